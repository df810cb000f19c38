/**
 * @file Loss and gradients of an update: the mean over its micro-batches. While one micro-batch
 * runs in one piece, the next one is read.
 */

import { BifocalError, firstOf, InterruptedError } from '../../foundation/numeric/errors.ts'
import type { Pair } from '../../inputs/data/task.ts'
import type { NamedArrays } from '../training/arrays.ts'
import { globalNorm } from '../training/clipping.ts'
import { TrainingError } from '../training/errors.ts'
import type { GradientStep, StepResult } from '../training/gradient.ts'
import type { BatchPlan, PairRef } from './batches.ts'
import { TuningError } from './errors.ts'
import { GradientSum } from './gradcache.ts'
import type { ContrastiveLoss } from './losses/loss.ts'
import { type BatchPair, batchPair, touches } from './micro-batch.ts'
import type { LeaveOut, MicroStep, PlannedStep, Turn } from './micro-step.ts'
import type { SkippedPairs } from './skipped.ts'
import type { TuningSteps } from './steps.ts'

interface Source {
  readonly name: string
  read(row: number, signal?: AbortSignal): Promise<Pair>
}

export interface UpdateStepsOptions {
  steps: TuningSteps
  sources: readonly Source[]
  plan: BatchPlan
  updates: number
  loss: ContrastiveLoss
  /** Of all trained arrays. An update leaves those alone that its batches do not use. */
  names: readonly string[]
  /** Trained scalars of the loss. */
  lossParameters: NamedArrays
  /** Hard negatives of a pair, at most; default all. */
  negatives?: number
  skipped: SkippedPairs
  warn?: (message: string) => void
}

/** The batches of an update, and their loss. */
export interface SeenUpdate {
  /** Mean of the micro-batches' losses, in nats. */
  readonly loss: number
  readonly microLosses: readonly number[]
  readonly metrics: Readonly<Record<string, number>>
  readonly temperature: number
  /** Trained scalars of the loss, before the update. */
  readonly lossParameters: Readonly<Record<string, number>>
  /** How each micro-batch was run. */
  readonly batches: readonly Pick<MicroStep, 'chunks' | 'cached'>[]
  /** Source → pairs. */
  readonly sources: Readonly<Record<string, number>>
  /** Pairs that were left out. */
  readonly skipped: number
  /**
   * Mean over the micro-batches, before clipping; by canonical names, and by the names of the
   * loss's scalars.
   */
  readonly gradients: NamedArrays
}

/** Below this, a query has hardly a wrong answer to tell its target from. */
const FEW_CANDIDATES = 2

export class UpdateSteps {
  readonly #options: UpdateStepsOptions
  readonly #sources: ReadonlyMap<string, Source>
  #ahead: (Turn & { planned: Promise<PlannedStep> }) | undefined
  readonly #warned = new Set<string>()
  /** The last update. */
  last: SeenUpdate | undefined

  constructor(options: UpdateStepsOptions) {
    this.#options = options
    this.#sources = new Map(options.sources.map((source) => [source.name, source]))
  }

  /**
   * @throws TrainingError `training/not-finite`; TuningError; what the sources and the engine
   *   throw
   */
  readonly gradient: GradientStep = async ({ step: update, next, signal }) => {
    const refs = this.#options.plan(update)
    const results: MicroStep[] = []
    const sum = new GradientSum()
    for (const micro of refs.keys()) {
      const following =
        micro + 1 < refs.length
          ? { update, micro: micro + 1 }
          : next === undefined
            ? undefined
            : { update: next, micro: 0 }
      const result = await this.#run({ update, micro }, following, signal)
      requireFinite(update, refs.length > 1 ? micro : undefined, result)
      // The gradients of a single micro-batch are those of the update: no pass over memory.
      if (refs.length === 1) return this.#seen(update, refs.flat().length, [result], result.gradients)
      sum.add(result.gradients)
      results.push({ ...result, gradients: {} })
    }
    return this.#seen(update, refs.flat().length, results, sum.times(1 / results.length))
  }

  #seen(update: number, drawn: number, results: readonly MicroStep[], gradients: NamedArrays): StepResult {
    const { loss, updates } = this.#options
    const mean = (of: (result: MicroStep) => number) =>
      results.reduce((total, result) => total + of(result), 0) / results.length
    const names = Object.keys(results[0]?.metrics ?? {})
    const metrics = Object.fromEntries(names.map((name) => [name, mean((result) => result.metrics[name]!)]))
    const pairs = results.flatMap((result) => result.pairs)
    const sources: Record<string, number> = {}
    for (const { ref } of pairs) sources[ref.source] = (sources[ref.source] ?? 0) + 1
    if (loss.needsTeacher && !pairs.some(({ teacher }) => teacher !== undefined))
      this.#warnOnce(
        'teacher',
        `no pair of update ${update + 1} has a teacher's scores: loss.margin.teacher has no effect on it`,
      )
    const { candidates = FEW_CANDIDATES } = metrics
    if (candidates < FEW_CANDIDATES)
      this.#warnOnce(
        'candidates',
        [
          `in update ${update + 1} a query has ${candidates.toFixed(1)} candidates on average, its target among them:`,
          'the loss teaches little. Larger batches, hard negatives or more different targets help.',
        ].join(' '),
      )
    const lossParameters = scalarsOf(this.#options.lossParameters)
    const temperature = loss.temperature({ ...loss.stepInputs(update, updates), ...lossParameters })
    const batches = results.map(({ chunks, cached }) => ({ chunks, cached }))
    const microLosses = results.map((result) => result.loss)
    const skipped = drawn - pairs.length
    const value = mean((result) => result.loss)
    this.last = {
      loss: value,
      microLosses,
      metrics,
      temperature,
      lossParameters,
      batches,
      sources,
      skipped,
      gradients,
    }
    return {
      loss: value,
      metrics,
      batch: rowsIn(pairs.map(({ ref }) => ref)),
      gradients,
      idle: this.#options.names.filter((name) => gradients[name] === undefined),
      notes: {
        temperature,
        sources,
        ...(results.length > 1 && { microLosses }),
        ...(skipped > 0 && { skipped }),
      },
    }
  }

  #warnOnce(about: string, message: string): void {
    if (this.#warned.has(about)) return
    this.#warned.add(about)
    this.#options.warn?.(message)
  }

  async #run(turn: Turn, following: Turn | undefined, signal?: AbortSignal): Promise<MicroStep> {
    const ahead = this.#ahead
    this.#ahead = undefined
    const planned = await (ahead?.update === turn.update && ahead.micro === turn.micro
      ? ahead.planned
      : this.#plan(turn, signal))
    const running = planned.run(signal)
    if (planned.whole && following !== undefined) {
      this.#ahead = { ...following, planned: this.#plan(following, signal) }
      // The micro-batch that needs it reports a failure. Catch it here so that Node does not see an
      // unhandled rejection.
      this.#ahead.planned.catch(() => {})
    }
    return await running
  }

  async #plan({ update, micro }: Turn, signal?: AbortSignal): Promise<PlannedStep> {
    const { plan, negatives = Number.POSITIVE_INFINITY, skipped, steps } = this.#options
    const refs = plan(update)[micro]!
    skipped.saw(refs.length)
    const pairs: BatchPair[] = []
    for (const ref of refs) {
      const pair = await this.#read(ref, signal)
      if (pair !== undefined) pairs.push(batchPair(pair, ref, negatives, update))
    }
    requirePairs(pairs, update)
    const leaveOut: LeaveOut = (bad, all) => {
      const errors = new Map(bad.map(({ key, error }) => [key, error]))
      const left = all.filter((pair) => !touches(pair, new Set(errors.keys())))
      for (const pair of all.filter((one) => !left.includes(one)))
        for (const { key, error } of bad)
          if (touches(pair, new Set([key]))) {
            skipped.add(pair.ref, error)
            break
          }
      requirePairs(left, update)
      return left
    }
    return await steps.plan(pairs, { update, micro }, leaveOut, signal)
  }

  /** Undefined where it can't be read. */
  async #read(ref: PairRef, signal?: AbortSignal): Promise<Pair | undefined> {
    try {
      return await this.#sources.get(ref.source)!.read(ref.row, signal)
    } catch (error) {
      if (!(error instanceof BifocalError) || error instanceof InterruptedError) throw error
      this.#options.skipped.add(ref, error)
      return undefined
    }
  }
}

/** The rows of a batch by source, in words. */
function rowsIn(refs: readonly PairRef[]): string {
  const sources = new Map<string, string[]>()
  for (const { source, row } of refs) sources.set(source, [...(sources.get(source) ?? []), String(row)])
  return [...sources].map(([source, rows]) => `rows ${firstOf(rows, LISTED_ROWS)} of ${source}`).join('; ')
}

/** Rows of a source in a message, at most. */
const LISTED_ROWS = 40

/** Scalars as numbers. */
export function scalarsOf(arrays: NamedArrays): Record<string, number> {
  return Object.fromEntries(Object.entries(arrays).map(([name, { data }]) => [name, data[0]!]))
}

function requirePairs(pairs: readonly BatchPair[], update: number): void {
  if (pairs.length > 0) return
  throw new TuningError('no-pairs', {
    message: `update ${update + 1}: none of the pairs of a batch could be read`,
    hint: 'skipped.jsonl in the folder of the run lists them.',
  })
}

function requireFinite(
  update: number,
  micro: number | undefined,
  { loss, gradients, pairs }: MicroStep,
): void {
  const norm = globalNorm(gradients)
  if (Number.isFinite(loss) && Number.isFinite(norm)) return
  const where =
    micro === undefined ? `update ${update + 1}` : `update ${update + 1}, micro-batch ${micro + 1}`
  const rows = pairs.map(({ ref }) => `${ref.source} ${ref.row}`)
  throw new TrainingError('not-finite', {
    message: `${where}: the loss is ${loss}, the norm of its gradients ${norm}; the batch: ${firstOf(rows, 8)}; the trained values are those of the update before`,
    hint: 'Lower the learning rate, lengthen the warm-up or clip the gradients, and look at these pairs.',
  })
}
