/**
 * @file The training loop: steps, updates, log, evaluation, snapshots; stops and goes on without a
 * trace in the result.
 */

import { removeAbandoned } from '../../foundation/files/temporary.ts'
import { firstOf, InterruptedError } from '../../foundation/numeric/errors.ts'
import { type NamedArrays, restoreArrays } from './arrays.ts'
import { clipFactor, globalNorm } from './clipping.ts'
import { TrainingError } from './errors.ts'
import { openEventFile, scalarsOf } from './event-file.ts'
import type { GradientStep, StepResult } from './gradient.ts'
import { differences, type Identity } from './identity.ts'
import { type Evaluation, openLog, silentLog, type TrainingLog } from './log.ts'
import type { Optimizer } from './optimizer.ts'
import type { Schedule } from './schedule.ts'
import { latestSnapshot, saveSnapshot } from './snapshot.ts'
import { appendTime, type TrainingTime } from './times.ts'

export interface TrainingOptions {
  /** Updated in place; at the start their initial values, which a snapshot overwrites. */
  parameters: NamedArrays
  /** Loss and gradients as a function of the parameters and the step's index alone. */
  gradient: GradientStep
  optimizer: Optimizer
  schedule: Schedule
  /** Updates in all, those before a resume included. */
  steps: number
  /** Largest global norm of the gradients; absent = no clipping. */
  clip?: number
  /**
   * Snapshots after every `every` updates, at the end and whenever the training stops. `identity`
   * has everything that the steps depend on: settings, hashes of data and model.
   */
  checkpoint?: { dir: string; every: number; identity?: Identity }
  /** Path of the JSON-lines log. */
  log?: string
  /** Path of the JSON lines that say how long each update took. */
  times?: string
  /** Folder that gets an event file for TensorBoard. */
  events?: string
  /** Figures of the model after every `every` updates and at the end. */
  evaluate?: TrainingEvaluation
  signal?: AbortSignal
  /** Called once where a snapshot was taken up, with the updates that it has. */
  onResume?: (step: number) => void
  onProgress?: (progress: TrainingProgress) => void
  /** Receives messages that a user should see though nothing failed. */
  warn?: (message: string) => void
}

interface TrainingEvaluation {
  every: number
  /** Whether the model is evaluated before the first update too; default false. */
  first?: boolean
  /**
   * It may save the parameters before it returns: the evaluation counts once its line is in the
   * log, and a run that is killed before makes it again.
   * @param before evaluations after earlier updates, those before a resume included
   */
  run(step: number, before: readonly Evaluation[]): Promise<Readonly<Record<string, number>>>
  /** Whether to stop after these evaluations. A function of them alone. Default: never. */
  stop?(evaluations: readonly Evaluation[]): boolean
}

interface TrainingProgress {
  /** Updates done, of `steps`. */
  step: number
  steps: number
  loss: number
  /** Norm of all gradients together, before clipping. */
  gradientNorm: number
  /** Factor of the peak learning rates in this update. */
  factor: number
  /** Time of this update, with that of waiting for its batch. */
  seconds: number
}

export interface TrainingResult {
  /** Updates that a snapshot had done before. */
  resumedAt: number
  /** Updates done. */
  steps: number
  evaluations: readonly Evaluation[]
  /** Whether `evaluate.stop` ended it. */
  stopped: boolean
}

/**
 * Trains, or goes on from the newest snapshot in `checkpoint.dir`: the parameters at the end have
 * the same bytes either way.
 *
 * Saves the state after the last whole update before it stops, also on an abort, a loss that isn't
 * finite or a full disk.
 * @throws InterruptedError; TrainingError `training/not-finite`, `training/other-run`,
 *   `training/log`, `training/snapshots`, `training/optimizer-state`; FileError
 */
export async function train(options: TrainingOptions): Promise<TrainingResult> {
  const { steps, signal, evaluate, checkpoint, optimizer, onProgress } = options
  const resumedAt = await resume(options)
  const log = await openRecords(options, resumedAt)
  if (resumedAt > 0) options.onResume?.(resumedAt)
  const evaluations = [...log.evaluations]
  let done = resumedAt
  let saved = resumedAt
  let whole = true
  let stopped = false
  const save = async () => {
    if (checkpoint === undefined || saved === done) return
    const { dir, identity = {} } = checkpoint
    requireFiniteParameters(done, options.parameters)
    await log.sync()
    await saveSnapshot(dir, {
      step: done,
      identity,
      parameters: options.parameters,
      optimizer: optimizer.state,
    })
    saved = done
  }
  try {
    for (;;) {
      const begins = done === 0 && evaluate?.first !== true
      if (evaluate !== undefined && !begins && isDue(done, evaluate.every, steps)) {
        if (evaluations.at(-1)?.step !== done) {
          const begun = performance.now()
          const figures = await evaluate.run(done, evaluations)
          await log.append({ step: done, evaluation: figures })
          await log.time({ step: done, kind: 'evaluation', seconds: secondsSince(begun) })
          evaluations.push({ step: done, figures })
        }
        stopped = evaluate.stop?.(evaluations) ?? false
      }
      if (stopped) await save()
      if (stopped || done >= steps) break
      if (signal?.aborted) throw new InterruptedError('training', signal)
      const begun = performance.now()
      const result = await options.gradient({
        step: done,
        next: done + 1 < steps ? done + 1 : undefined,
        signal,
      })
      const norm = globalNorm(result.gradients)
      requireFinite(done, result, norm)
      const factor = options.schedule(done)
      const gradientScale = options.clip === undefined ? 1 : clipFactor(norm, options.clip)
      // Logged first: a line without its update is dropped on resume, an update without its line
      // would be lost.
      await log.append({
        step: done + 1,
        loss: result.loss,
        ...result.metrics,
        gradientNorm: norm,
        learningRates: Object.fromEntries(
          optimizer.groups.map(({ name, learningRate }) => [name, learningRate * factor]),
        ),
        ...result.notes,
      })
      whole = false
      await optimizer.update(result.gradients, { factor, gradientScale, idle: result.idle })
      whole = true
      done++
      const seconds = secondsSince(begun)
      await log.time({ step: done, kind: 'update', seconds })
      onProgress?.({ step: done, steps, loss: result.loss, gradientNorm: norm, factor, seconds })
      if (checkpoint !== undefined && isDue(done, checkpoint.every, steps)) await save()
    }
  } catch (error) {
    // The first failure is the one to report, also when saving fails for the same reason (a full
    // disk).
    if (whole)
      await save().catch((cause: unknown) =>
        options.warn?.(`the state could not be saved: ${cause instanceof Error ? cause.message : cause}`),
      )
    throw error
  }
  return { resumedAt, steps: done, evaluations, stopped }
}

function isDue(step: number, every: number, steps: number): boolean {
  return step % every === 0 || step === steps
}

const secondsSince = (begun: number): number => (performance.now() - begun) / 1000

/** The log, with the file of times and the event file that get the same. */
async function openRecords(
  { log: path, times, events: dir }: TrainingOptions,
  step: number,
): Promise<TrainingLog & { time(took: TrainingTime): Promise<void> }> {
  const log = path === undefined ? silentLog : await openLog(path, step)
  const events = dir === undefined ? undefined : await openEventFile(dir, step)
  return {
    ...log,
    append: async (entry) => {
      await log.append(entry)
      await events?.append(entry.step, scalarsOf(entry))
    },
    time: async (took) => {
      if (times !== undefined) await appendTime(times, took)
    },
  }
}

/** Puts the newest snapshot into parameters and optimizer. @returns updates done */
async function resume({ checkpoint, parameters, optimizer, steps, warn }: TrainingOptions): Promise<number> {
  if (checkpoint === undefined) return 0
  const { dir, identity = {} } = checkpoint
  await removeAbandoned(dir)
  const snapshot = await latestSnapshot(dir, warn)
  if (snapshot === undefined) return 0
  const changed = differences(snapshot.identity, identity)
  if (changed.length > 0 || snapshot.step > steps) {
    const found =
      changed.length > 0
        ? `other settings or data: ${changed.join('; ')}`
        : `more updates than the ${steps} that are asked for`
    throw new TrainingError('other-run', {
      message: `${dir} holds a training of ${snapshot.step} updates with ${found}`,
      hint: 'Go on with the settings it was started with, or train in an empty folder.',
    })
  }
  restoreArrays(parameters, snapshot.parameters, (problems) => {
    throw new TrainingError('other-run', {
      message: `the parameters saved in ${dir} do not fit: ${problems.join('; ')}`,
      hint: 'They belong to another model: train in an empty folder.',
    })
  })
  optimizer.restore(snapshot.optimizer)
  return snapshot.step
}

function requireFinite(step: number, { loss, batch }: StepResult, norm: number): void {
  if (Number.isFinite(loss) && Number.isFinite(norm)) return
  const of = batch === undefined ? '' : ` (${batch})`
  throw new TrainingError('not-finite', {
    message: `step ${step}${of}: the loss is ${loss}, the norm of its gradients ${norm}; the parameters are those of the update before`,
    hint: 'Lower the learning rate, lengthen the warm-up or clip the gradients, and look at the batch of this step.',
  })
}

/** Values that overflowed in an update are never saved over good ones. */
function requireFiniteParameters(done: number, parameters: NamedArrays): void {
  const broken = Object.keys(parameters).filter(
    (name) => !Number.isFinite(globalNorm({ [name]: parameters[name]! })),
  )
  if (broken.length === 0) return
  throw new TrainingError('not-finite', {
    message: `values are not finite after ${done} updates, in ${firstOf(broken)}; the snapshots before are kept`,
    hint: 'Lower the learning rate, lengthen the warm-up or clip the gradients.',
  })
}
