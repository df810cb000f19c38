/**
 * @file A tuning: pairs → batches → loss and gradients → updates, with a log, dev scores, snapshots
 * and the best values so far. A run that was killed goes on where it stopped, to the same bytes.
 */

import { join } from 'node:path'
import type { Precision } from '../../engine/graph/compiled.ts'
import type { Device } from '../../engine/runtime/devices.ts'
import type { MemoryMode } from '../../engine/runtime/placement.ts'
import { lockAlone } from '../../foundation/files/lock.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import type { Pair } from '../../inputs/data/task.ts'
import { attentionOf } from '../../models/embedder/attention.ts'
import type { Readout } from '../../models/embedder/readout.ts'
import { RowsFile } from '../../models/embedder/rows-file.ts'
import { SequenceInputs } from '../../models/embedder/sequence-inputs.ts'
import { hashArrays, type NamedArrays } from '../training/arrays.ts'
import { emptyGroups, groupsOf } from '../training/groups.ts'
import type { Evaluation } from '../training/log.ts'
import { train } from '../training/loop.ts'
import { openOptimizer } from '../training/optimizer.ts'
import { scheduleOf } from '../training/schedule.ts'
import type { OptimizerSettings, ScheduleSettings } from '../training/settings.ts'
import { judge, type Verdict } from '../training/stopping.ts'
import type { BatchPlan } from './batches.ts'
import { BestValues } from './best-values.ts'
import { type ChunkInputs, pixelInputs, rowInputs } from './chunk-inputs.ts'
import { type DevScore, devScore } from './evaluation.ts'
import type { ContrastiveLoss } from './losses/loss.ts'
import { type BatchPair, batchPair } from './micro-batch.ts'
import { type SkippedPair, SkippedPairs } from './skipped.ts'
import { StepSessions } from './step-sessions.ts'
import { TuningSteps } from './steps.ts'
import { ofRows } from './trained/picture-path.ts'
import type { Trained } from './trained/trained.ts'
import type { TunableModel } from './tunable.ts'
import { type SeenUpdate, scalarsOf, UpdateSteps } from './update-steps.ts'

/** A list of pairs, each read when its batch comes. */
interface TuningSource {
  /** Unique within a run. */
  readonly name: string
  readonly rows: number
  /** The same row gives the same pair. @throws BifocalError for a row that can't be read */
  read(row: number, signal?: AbortSignal): Promise<Pair>
}

interface DevOptions {
  sources: readonly TuningSource[]
  /** Updates between evaluations. */
  every: number
  /** Whether the pairs are ranked before the first update too: never the best. Default false. */
  first?: boolean
  /** Which figure says what is better: the loss (default), or hit@1. */
  metric?: 'loss' | 'hit1'
  /** Evaluations without a better figure after which the training stops; default: never. */
  patience?: number
  /** By how much the figure has to be better; default 0. */
  minDelta?: number
  /** The values at the end: those of the best evaluation (default), or the last. */
  keep?: 'best' | 'last'
}

export interface TuningRun {
  /** Names the model in messages. */
  id: string
  /** The model in the state from which the tuning starts. Its contract says how items are read. */
  model: TunableModel
  /** A hash of all that decides the model's vectors. */
  modelHash: string
  trained: Trained
  loss: ContrastiveLoss
  /** Trained together: the loss is the mean of theirs. */
  readouts: Readonly<Record<string, Readout>>
  sources: readonly TuningSource[]
  plan: BatchPlan
  /** In all. */
  updates: number
  optimizer: OptimizerSettings
  schedule: ScheduleSettings
  /** Largest norm of all gradients together, those of the loss's scalars included. */
  clip?: number
  /** Positions that run at once, padding included; default 4096. */
  chunkTokens?: number
  /** Hard negatives of a pair in an update, at most; others take turns. Default: all. */
  negatives?: number
  dev?: DevOptions
  /** All that decides the run, by key: a run of other settings in the same folder is refused. */
  settings: Readonly<Record<string, unknown>>
  /** Where snapshots, the log, its times, the best values and the rows of a frozen tower lie. */
  dir: string
  /** Folder that gets an event file for TensorBoard; default: none. */
  events?: string
  /** Updates between snapshots; default 50. */
  saveEvery?: number
  /** Whether the first pair that can't be read ends the tuning. */
  strict?: boolean
  /** Share of the pairs that may be left out; default 0.05, at least 20 pairs. */
  mostSkipped?: number
  /**
   * Prepares items where the tower is frozen; whoever gives it closes it. Default: one of its own.
   */
  inputs?: SequenceInputs
  device?: Device
  threads?: number
  memory?: MemoryMode
  /** Of the frozen weights in training; adapters and loss are f32. Default f32. */
  precision?: Exclude<Precision, 'int8'>
  /**
   * Whether backward passes compute each layer anew instead of keeping its inside: the memory of
   * one layer for the time of one more forward pass. Default false.
   */
  recompute?: boolean
  signal?: AbortSignal
  /** Called once where a run before is gone on with, with the updates that it had saved. */
  onResume?: (updates: number) => void
  /** Called after each update. */
  onUpdate?: (update: TuningUpdate) => void
  warn?: (message: string) => void
}

/** An update that was done. */
export interface TuningUpdate extends SeenUpdate {
  /** Updates done, of `updates`. */
  readonly update: number
  readonly updates: number
  /** Of all gradients together, before clipping. */
  readonly gradientNorm: number
  /** Of the optimizer's groups in their order, those of the settings first. */
  readonly learningRates: readonly number[]
  /** Trained scalars of the loss after the update. */
  readonly scalarsAfter: Readonly<Record<string, number>>
}

export interface TuningOutcome {
  /** Updates done. */
  readonly updates: number
  readonly stoppedEarly: boolean
  readonly evaluations: readonly Evaluation[]
  /** The evaluation whose values were kept; undefined where the last values were. */
  readonly best: { readonly update: number; readonly loss: number; readonly hit1: number } | undefined
  /** The dev pairs as the values at the end rank them. */
  readonly dev: DevScore | undefined
  readonly skipped: readonly SkippedPair[]
  /** Trained scalars of the loss, of the values at the end. */
  readonly lossParameters: Readonly<Record<string, number>>
  /** Updates that a run before had done. */
  readonly resumedAt: number
  /** Content hash of the trained values, hexadecimal. */
  readonly hash: string
  /** Path of the log: a line of JSON for each update and each evaluation. */
  readonly log: string
}

/** Positions that run at once, where nobody says how many. */
export const CHUNK_TOKENS = 4096
const SAVE_EVERY = 50
/** Bytes of sequences that are remembered, without pixels. */
const SEQUENCE_BYTES = 64 * 2 ** 20

/**
 * Trains `run.trained.parameters` in place.
 * @throws InterruptedError with the state saved; TrainingError `training/not-finite` naming batch
 *   and pairs, `training/other-run`; TuningError `tuning/skipped`, `tuning/no-pairs`;
 *   FileError `file/in-use`, `file/disk-full`
 */
export async function runTuning(run: TuningRun): Promise<TuningOutcome> {
  const lock = await lockAlone(run.dir)
  try {
    return await runLocked(run)
  } finally {
    await lock.release()
  }
}

async function runLocked(run: TuningRun): Promise<TuningOutcome> {
  const { model, trained, loss, dir, dev, warn, device, threads, memory, updates, precision, recompute } = run
  const chunkTokens = run.chunkTokens ?? CHUNK_TOKENS
  // Where weights stay packed, no sum of a weight and its update may stay unpacked, and a graph of
  // several groups would unpack each weight once for each.
  const low = memory === 'low'
  const weights = trained.training({ rows: low ? 0 : chunkTokens })
  const lossParameters = Object.fromEntries(
    Object.entries(loss.parameters).map(([name, value]) => [name, f32([], [value])]),
  )
  const closing: { close(): Promise<void> }[] = []
  try {
    const inputs = await openInputs(run, closing)
    const sessions = new StepSessions({
      id: run.id,
      model: model.model,
      attention: attentionOf(model.contract, model.model.shape),
      readouts: run.readouts,
      weights,
      evaluated: trained.dropout && trained.training({ rows: low ? 0 : chunkTokens, dropout: false }),
      loss,
      lossParameters,
      device,
      threads,
      memory,
      precision,
      recompute,
      warn,
    })
    closing.push(sessions)
    const kinds = trained.tower ? (['none', 'pixels'] as const) : (['rows'] as const)
    const used = new Set(sessions.trainedNames(kinds.map((pictures) => ({ groups: 1, pictures }))))
    const own = Object.entries(trained.parameters).filter(([name]) => used.has(name))
    const parameters: NamedArrays = { ...Object.fromEntries(own), ...lossParameters }
    const groups = groupsOf(run.optimizer, {
      namesOf: (name) => [trained.peftName(name)],
      session: { device, threads },
    })
    const optimizer = await openOptimizer(parameters, groups, { limits: loss.limits })
    closing.push(optimizer)
    for (const name of emptyGroups(run.optimizer, optimizer))
      warn?.(`no trained parameter has a name that the optimizer's group "${name}" looks for`)
    const steps = new TuningSteps({
      sessions,
      inputs,
      dropout: trained.dropout,
      loss,
      lossParameters,
      updates,
      chunkTokens,
      ...(low && { groups: 1 }),
    })
    const skipped = await SkippedPairs.open({
      path: join(dir, 'skipped.jsonl'),
      strict: run.strict,
      most: run.mostSkipped,
      warn,
    })
    const updateSteps = new UpdateSteps({
      ...run,
      steps,
      names: Object.keys(parameters),
      lossParameters,
      skipped,
    })
    const identity = { model: run.modelHash, ...run.settings }
    const best = new BestValues(join(dir, 'best.safetensors'), JSON.stringify(identity), parameters)
    const devPairs =
      dev === undefined ? [] : await allPairs(dev.sources, run.negatives ?? Number.POSITIVE_INFINITY)
    const score = async () =>
      await devScore({
        steps,
        pairs: devPairs,
        update: updates,
        onBad: (bad) => {
          for (const { error } of bad) warn?.(`a dev pair is left out: ${error.message}`)
        },
        signal: run.signal,
      })
    const metric = dev?.metric ?? 'loss'
    const verdict = (evaluations: readonly Evaluation[]): Verdict =>
      judge(
        evaluations
          .filter(({ step }) => step > 0)
          .map(({ step, figures }) => ({ step, value: figures[metric] ?? Number.NaN })),
        {
          better: metric === 'loss' ? 'lower' : 'higher',
          patience: dev?.patience,
          minDelta: dev?.minDelta,
        },
      )
    const log = join(dir, 'log.jsonl')
    const result = await train({
      parameters,
      optimizer,
      gradient:
        trained.rows === undefined ? updateSteps.gradient : ofRows(trained.rows, updateSteps.gradient),
      schedule: scheduleOf(run.schedule, updates),
      steps: updates,
      clip: run.clip,
      checkpoint: { dir: join(dir, 'snapshots'), every: run.saveEvery ?? SAVE_EVERY, identity },
      log,
      times: join(dir, 'times.jsonl'),
      events: run.events,
      evaluate: dev && {
        every: dev.every,
        first: dev.first,
        run: async (step, before) => {
          const { loss: value, hit1 } = await score()
          const evaluations = [...before, { step, figures: { loss: value, hit1 } }]
          if (verdict(evaluations).best?.step === step) await best.save(step)
          return { loss: value, hit1 }
        },
        stop: (evaluations) => verdict(evaluations).stopped !== undefined,
      },
      signal: run.signal,
      warn,
      onResume: run.onResume,
      onProgress: ({ step, gradientNorm, factor }) => {
        const seen = updateSteps.last
        if (seen === undefined) return
        const learningRates = optimizer.groups.map(({ learningRate }) => learningRate * factor)
        run.onUpdate?.({
          ...seen,
          update: step,
          updates,
          gradientNorm,
          learningRates,
          scalarsAfter: scalarsOf(lossParameters),
        })
      },
    })
    await skipped.settle()
    const chosen = dev?.keep === 'last' ? undefined : verdict(result.evaluations).best
    const kept = result.evaluations.find(({ step }) => step === chosen?.step)
    if (kept !== undefined) await best.restore(kept.step)
    return {
      updates: result.steps,
      stoppedEarly: result.stopped,
      evaluations: result.evaluations,
      best: kept && {
        update: kept.step,
        loss: kept.figures.loss ?? Number.NaN,
        hit1: kept.figures.hit1 ?? Number.NaN,
      },
      dev: dev && (await score()),
      skipped: skipped.all,
      lossParameters: scalarsOf(lossParameters),
      resumedAt: result.resumedAt,
      hash: hashArrays(parameters),
      log,
    }
  } finally {
    for (const opened of closing.reverse()) await opened.close()
  }
}

/** Pushes what it opens to `closing`. */
async function openInputs(run: TuningRun, closing: { close(): Promise<void> }[]): Promise<ChunkInputs> {
  const { model, modelHash, trained, dir, device, threads, memory, warn } = run
  const readouts = Object.values(run.readouts)
  const { checkpoint, contract, weights } = model
  const options = { checkpoint, contract, readouts, warn }
  if (trained.tower) return await pixelInputs(model.model, options)
  if (run.inputs !== undefined) return rowInputs(run.inputs, readouts)
  const rowStore = await RowsFile.open(join(dir, 'rows.bin'), { fingerprint: modelHash })
  closing.push(rowStore)
  const inputs = await SequenceInputs.open(model.model, {
    ...options,
    weights,
    device,
    threads,
    memory,
    remember: true,
    sequenceBytes: SEQUENCE_BYTES,
    rowStore,
  })
  closing.push(inputs)
  return rowInputs(inputs, readouts)
}

async function allPairs(sources: readonly TuningSource[], negatives: number): Promise<BatchPair[]> {
  const pairs: BatchPair[] = []
  for (const source of sources)
    for (let row = 0; row < source.rows; row++)
      pairs.push(batchPair(await source.read(row), { source: source.name, row }, negatives, 0))
  return pairs
}
