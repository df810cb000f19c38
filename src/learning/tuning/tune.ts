/**
 * @file Contrastive tuning: a frozen tower, a trained decoder, InfoNCE over pairs of queries and
 * targets.
 */

import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { add, mul } from '../../engine/graph/elementwise.ts'
import type { Graph, Value } from '../../engine/graph/graph.ts'
import { gather } from '../../engine/graph/indexing.ts'
import { concat } from '../../engine/graph/shaping.ts'
import { rootScope } from '../../engine/nn/scope.ts'
import type { Device } from '../../engine/runtime/devices.ts'
import { openSession } from '../../engine/runtime/session.ts'
import { readText } from '../../foundation/files/file.ts'
import { f32, i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import type { Pair } from '../../inputs/data/task.ts'
import { attentionOf } from '../../models/embedder/attention.ts'
import { poolsOf, type Readout } from '../../models/embedder/readout.ts'
import { type Sequence, sequenceFeeds } from '../../models/embedder/sequence.ts'
import type { SequenceInputs } from '../../models/embedder/sequence-inputs.ts'
import type { ModelWeights } from '../../models/families/model-weights.ts'
import { adamW } from '../training/adamw.ts'
import { hashArrays, type NamedArrays } from '../training/arrays.ts'
import { gradientGraph, sessionStep } from '../training/gradient.ts'
import type { Identity } from '../training/identity.ts'
import { type TrainingProgress, train } from '../training/loop.ts'
import { muon } from '../training/muon.ts'
import { openOptimizer } from '../training/optimizer.ts'
import { schedule } from '../training/schedule.ts'
import { groupVectors } from './decoder.ts'
import { TuningError } from './errors.ts'
import { graphScalars, type Scalars } from './losses/loss.ts'
import { makeLoss } from './losses/make.ts'
import { lossSettings } from './losses/settings.ts'
import { sampler } from './sampler.ts'
import { splitByLength } from './split.ts'
import { initialTrained, type TunedPart, trainingWeights } from './trained.ts'
import type { TunableModel } from './tunable.ts'

export interface TuningTask {
  readonly name: string
  readonly pairs: readonly Pair[]
  /** Share of sub-batches; default 1. */
  readonly weight?: number
}

export interface TuningSettings {
  part: TunedPart
  steps: number
  /** Pairs a step. */
  batch: number
  /** Consecutive pairs of one task; `batch` is a multiple. */
  subBatch: number
  /**
   * Peaks, for matrices (Muon) and for the rest (AdamW); warm-up over a tenth of the steps, then
   * linear decay to a twentieth.
   */
  learningRates: { muon: number; adamw: number }
  /**
   * Falls geometrically from `start` to `end` over the first `share` of the steps, then stays:
   * vectors that start almost alike learn to differ first.
   */
  temperature: { start: number; end: number; share: number }
  seed: number
}

/**
 * At twice Muon's rate, 240 steps were worse than 120 (autoregressive twin, dev hit@1 .55 and .58;
 * at this rate .71).
 * @see specs/twins.md §3.3
 */
export const TUNING: Omit<TuningSettings, 'seed'> = {
  part: { tune: 'lora', rank: 64, alpha: 128 },
  steps: 300,
  batch: 48,
  subBatch: 12,
  learningRates: { muon: 0.01, adamw: 1e-3 },
  temperature: { start: 0.2, end: 0.02, share: 0.6 },
}

export interface TuningOptions {
  /** Names the model in messages. */
  id: string
  /** The model in the state from which the tuning starts. */
  model: TunableModel
  /** A hash of all that decides the model's vectors: snapshots of another model are refused. */
  modelHash: string
  /** Trained together, each with its share of the loss. */
  readouts: Readonly<Record<string, Readout>>
  tasks: readonly TuningTask[]
  settings: TuningSettings
  /** Prepares items as the embedder does, and sees each picture once. */
  inputs: SequenceInputs
  /** Where snapshots and the log lie; a run that stopped goes on from there. */
  dir: string
  /** Default 1. */
  threads?: number
  /** Default `cpu`. */
  device?: Device
  signal?: AbortSignal
  onProgress?: (progress: TrainingProgress) => void
  warn?: (message: string) => void
}

export interface Tuning {
  parameters: NamedArrays
  /** Content hash of the trained values, hexadecimal. */
  hash: string
  /** `[step, loss]` of every step, in nats. */
  lossCurve: [step: number, loss: number][]
  /** Steps that a run before had done. */
  resumedAt: number
}

const SNAPSHOT_EVERY = 50
/**
 * Groups of similar length in a step: padding falls from 50 % of the positions with one to 20 %
 * with two and below 10 % with three.
 */
const GROUPS = 3
const CLIP = 1

/**
 * Trains all readouts together from one pass, so that any of them can be chosen afterwards. Weights
 * and steps are f32, whatever the contract's dtype.
 * @throws InterruptedError with the state saved; TrainingError `training/not-finite`,
 *   `training/other-run`; TuningError `tuning/log`, `tuning/rank`
 */
export async function tune(options: TuningOptions): Promise<Tuning> {
  const { id, model, settings, dir, signal, onProgress, warn, threads = 1, device } = options
  const parameters = await initialTrained(model, settings.part, settings.seed)
  const weights = trainingWeights(model, settings.part, parameters)
  const { compiled } = gradientGraph((graph) => ({ loss: tuningLoss(graph, weights, options) }))
  const { learningRates } = settings
  const optimizer = await openOptimizer(parameters, [
    {
      accepts: (_, dims) => dims.length === 2,
      rule: muon({ session: { threads } }),
      learningRate: learningRates.muon,
    },
    { rule: adamW({ weightDecay: 0.01 }), learningRate: learningRates.adamw },
  ])
  const session = await openSession(compiled, {
    weights: await weights.source(compiled),
    threads,
    device,
    name: `${id} tuning`,
  })
  const log = join(dir, 'log.jsonl')
  try {
    const { resumedAt } = await train({
      parameters,
      optimizer,
      gradient: sessionStep({ session, parameters, feeds: batchesOf(options) }),
      schedule: schedule({
        steps: settings.steps,
        warmup: Math.ceil(settings.steps / 10),
        decay: 'linear',
        floor: 0.05,
      }),
      steps: settings.steps,
      clip: CLIP,
      checkpoint: { dir: join(dir, 'snapshots'), every: SNAPSHOT_EVERY, identity: identityOf(options) },
      log,
      signal,
      onProgress,
      warn,
    })
    return {
      parameters,
      hash: hashArrays(parameters),
      lossCurve: await readLosses(log, settings.steps),
      resumedAt,
    }
  } finally {
    await session.close()
    await optimizer.close()
  }
}

/**
 * Feeds: those of the sequence groups; `query_rows`, `target_rows` `[pairs] i64`, `negative_rows`
 * `[negatives] i64`: places in the groups laid end to end; `target_group` `[pairs] i64`,
 * `negative_group` `[negatives] i64`: equal for equal targets; the step inputs of the loss.
 */
function tuningLoss(
  graph: Graph,
  weights: ModelWeights,
  { model: { model, contract }, readouts, settings }: TuningOptions,
): Value<'f32'> {
  const scope = rootScope(graph, weights.scope)
  const read = { attention: attentionOf(contract, model.shape), readouts: Object.values(readouts) }
  const groups = Array.from({ length: GROUPS }, (_, index) => groupVectors(scope, model, read, index))
  const loss = lossOf(settings)
  const rows = (name: string, dim: string) => graph.input(name, 'i64', [dim])
  const losses = read.readouts.map((_, readout) => {
    const vectors = concat(
      groups.map((group) => group[readout]!),
      0,
    )
    return loss.build({
      ...graphScalars(graph),
      queries: gather(vectors, rows('query_rows', 'pairs')),
      targets: gather(vectors, rows('target_rows', 'pairs')),
      targetGroups: rows('target_group', 'pairs'),
      negatives: gather(vectors, rows('negative_rows', 'negatives')),
      negativeGroups: rows('negative_group', 'negatives'),
    }).loss
  })
  return mul(
    losses.reduce((a, b) => add(a, b)),
    1 / losses.length,
  )
}

/** Step → feeds: a function of the step alone. */
function batchesOf({ tasks, settings, inputs, readouts, signal }: TuningOptions) {
  const pools = poolsOf(Object.values(readouts))
  const byName = new Map(tasks.map((task) => [task.name, task.pairs]))
  const loss = lossOf(settings)
  const draw = sampler({
    tasks: tasks.map(({ name, pairs, weight }) => ({ name, rows: pairs.length, weight })),
    batch: settings.batch,
    subBatch: settings.subBatch,
    seed: settings.seed,
  })
  return async (step: number): Promise<Record<string, Tensor>> => {
    const pairs = draw(step).map(({ task, row }) => byName.get(task)![row]!)
    const targets = pairs.map(({ target }) => target)
    const isTarget = new Set(targets.map(({ key }) => key))
    // One hard negative for each pair, another one at each step. A target of another pair takes
    // part anyway.
    const hard = pairs.flatMap(({ negatives }) =>
      negatives.length === 0 ? [] : [negatives[step % negatives.length]!],
    )
    const negatives = [
      ...new Map(hard.filter(({ key }) => !isTarget.has(key)).map((item) => [item.key, item])).values(),
    ]
    const items = [
      ...new Map(
        [...pairs.map(({ query }) => query), ...targets, ...negatives].map((item) => [item.key, item]),
      ).values(),
    ]
    const prepared: Sequence[] = []
    for (const item of items) prepared.push(await inputs.prepare(item))
    const split = splitByLength(
      prepared.map(({ tokens }) => tokens),
      GROUPS,
    )
    const place = new Map(split.flat().map((item, at) => [items[item]!.key, at]))
    const group = new Map([...targets, ...negatives].map(({ key }, i) => [key, i]))
    const table = await inputs.table(prepared, signal)
    const column = (list: readonly KeyedItem[], numbers: ReadonlyMap<string, number>) =>
      i64(
        [list.length],
        list.map(({ key }) => numbers.get(key)!),
      )
    return {
      ...Object.assign(
        {},
        ...split.map((members, index) =>
          sequenceFeeds(
            members.map((item) => prepared[item]!),
            table,
            pools,
            String(index),
          ),
        ),
      ),
      ...scalarFeeds(loss.stepInputs(step, settings.steps)),
      query_rows: column(
        pairs.map(({ query }) => query),
        place,
      ),
      target_rows: column(targets, place),
      negative_rows: column(negatives, place),
      target_group: column(targets, group),
      negative_group: column(negatives, group),
    }
  }
}

function scalarFeeds(scalars: Scalars): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(scalars).map(([name, value]) => [name, f32([], [value])]))
}

const lossOf = ({ temperature }: TuningSettings) => makeLoss(lossSettings.parse({ temperature }))

/** Names everything that a step depends on, so that no snapshot of another run is taken up. */
function identityOf({ modelHash, readouts, tasks, settings }: TuningOptions): Identity {
  const pairs = createHash('sha256')
  for (const { name, weight, pairs: rows } of tasks) {
    pairs.update(JSON.stringify([name, weight]))
    for (const { query, target, negatives } of rows)
      pairs.update(JSON.stringify([query.key, target.key, negatives.map(({ key }) => key)]))
  }
  return { model: modelHash, readouts, settings, pairs: pairs.digest('hex') }
}

const lossLine = z.object({ step: z.number(), loss: z.number() })

async function readLosses(path: string, steps: number): Promise<[number, number][]> {
  const lines = (await readText(path)).split('\n').filter((line) => line !== '')
  const losses = lines.flatMap((line): [number, number][] => {
    const parsed = lossLine.safeParse(JSON.parse(line))
    return parsed.success ? [[parsed.data.step, parsed.data.loss]] : []
  })
  if (losses.length === steps && losses.every(([step], i) => step === i + 1)) return losses
  throw new TuningError('log', {
    message: `${path} has the losses of ${losses.length} steps, not of each of the ${steps} that were done: it was changed from outside`,
    hint: `Remove ${dirname(path)} to tune anew; everything else stays.`,
  })
}
