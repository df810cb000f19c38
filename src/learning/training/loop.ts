/**
 * @file The training loop: steps, updates, log, evaluation, snapshots; stops and goes on without a
 * trace in the result.
 */

import { removeAbandoned } from '../../foundation/files/temporary.ts'
import { InterruptedError } from '../../foundation/numeric/errors.ts'
import { type NamedArrays, restoreArrays } from './arrays.ts'
import { clipFactor, globalNorm } from './clipping.ts'
import { TrainingError } from './errors.ts'
import type { GradientStep, StepResult } from './gradient.ts'
import { type Evaluation, openLog, silentLog } from './log.ts'
import type { Optimizer } from './optimizer.ts'
import type { Schedule } from './schedule.ts'
import { latestSnapshot, saveSnapshot } from './snapshot.ts'

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
   * names settings and data.
   */
  checkpoint?: { dir: string; every: number; identity?: string }
  /** Path of the JSON-lines log. */
  log?: string
  /** Figures of the model after every `every` updates and at the end. */
  evaluate?: TrainingEvaluation
  signal?: AbortSignal
  onProgress?: (progress: TrainingProgress) => void
  /** Receives messages that a user should see though nothing failed. */
  warn?: (message: string) => void
}

export interface TrainingEvaluation {
  every: number
  /**
   * It may save the parameters before it returns: the evaluation counts once its line is in the
   * log, and a run that is killed before makes it again.
   * @param before evaluations after earlier updates, those before a resume included
   */
  run(step: number, before: readonly Evaluation[]): Promise<Readonly<Record<string, number>>>
  /** Whether to stop after these evaluations. A function of them alone. Default: never. */
  stop?(evaluations: readonly Evaluation[]): boolean
}

export interface TrainingProgress {
  /** Updates done, of `steps`. */
  step: number
  steps: number
  loss: number
  /** Norm of all gradients together, before clipping. */
  gradientNorm: number
  /** Factor of the peak learning rates in this update. */
  factor: number
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
 *   `training/optimizer-state`; FileError
 */
export async function train(options: TrainingOptions): Promise<TrainingResult> {
  const { steps, signal, evaluate, checkpoint, optimizer, onProgress } = options
  const resumedAt = await resume(options)
  const log = options.log === undefined ? silentLog : await openLog(options.log, resumedAt)
  const evaluations = [...log.evaluations]
  let done = resumedAt
  let saved = resumedAt
  let whole = true
  let stopped = false
  const save = async () => {
    if (checkpoint === undefined || saved === done) return
    const { dir, identity = '' } = checkpoint
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
      if (evaluate !== undefined && done > 0 && isDue(done, evaluate.every, steps)) {
        if (evaluations.at(-1)?.step !== done) {
          const figures = await evaluate.run(done, evaluations)
          await log.append({ step: done, evaluation: figures })
          evaluations.push({ step: done, figures })
        }
        stopped = evaluate.stop?.(evaluations) ?? false
      }
      if (stopped) await save()
      if (stopped || done >= steps) break
      if (signal?.aborted) throw new InterruptedError('training', signal)
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
        gradient_norm: norm,
        factor,
        ...result.notes,
      })
      whole = false
      await optimizer.update(result.gradients, { factor, gradientScale, idle: result.idle })
      whole = true
      done++
      onProgress?.({ step: done, steps, loss: result.loss, gradientNorm: norm, factor })
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

/** Puts the newest snapshot into parameters and optimizer. @returns updates done */
async function resume({ checkpoint, parameters, optimizer, steps, warn }: TrainingOptions): Promise<number> {
  if (checkpoint === undefined) return 0
  const { dir, identity = '' } = checkpoint
  await removeAbandoned(dir)
  const snapshot = await latestSnapshot(dir, warn)
  if (snapshot === undefined) return 0
  if (snapshot.identity !== identity || snapshot.step > steps) {
    throw new TrainingError('other-run', {
      message: `${dir} holds step ${snapshot.step} of the run "${snapshot.identity}", not of the ${steps} steps of "${identity}"`,
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

function requireFinite(step: number, { loss }: StepResult, norm: number): void {
  if (Number.isFinite(loss) && Number.isFinite(norm)) return
  throw new TrainingError('not-finite', {
    message: `step ${step}: the loss is ${loss}, the norm of its gradients ${norm}; the parameters are those of the update before`,
    hint: 'Lower the learning rate, lengthen the warm-up or clip the gradients, and look at the batch of this step.',
  })
}
