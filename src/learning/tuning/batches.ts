/**
 * @file Which pairs an update sees: a pure function of its index, so that a resumed run sees the
 * same ones.
 */

import { sampler } from './sampler.ts'

/** One pair, by the name of its source and its place there. */
export interface PairRef {
  readonly source: string
  readonly row: number
}

/**
 * Index of an update (0 = first) → its micro-batches. Each micro-batch has its own negatives; the
 * update's loss is the mean of theirs.
 */
export type BatchPlan = (update: number) => readonly (readonly PairRef[])[]

/** A source to draw from. */
interface SampledSource {
  readonly name: string
  readonly rows: number
  /** Share of the sub-batches relative to the other sources'; default 1. */
  readonly weight?: number
}

export interface SampledPlanOptions {
  sources: readonly SampledSource[]
  /** Pairs of a micro-batch, a multiple of `subBatch`. */
  batch: number
  /** Default: `batch`. */
  subBatch?: number
  /** Default 1. */
  accumulate?: number
  seed: number
}

/**
 * Goes through each source in a new order every epoch, and deals out sub-batches by weight.
 * @throws TuningError `tuning/sampler`
 */
export function sampledPlan({
  sources,
  batch,
  subBatch = batch,
  accumulate = 1,
  seed,
}: SampledPlanOptions): BatchPlan {
  const draw = sampler({ tasks: sources, batch, subBatch, seed })
  return (update) =>
    Array.from({ length: accumulate }, (_, micro) =>
      draw(update * accumulate + micro).map(({ task, row }) => ({ source: task, row })),
    )
}

/**
 * Batches that are given. Behind the last one it begins anew.
 * @param batches for each update its micro-batches
 */
export function fixedPlan(batches: readonly (readonly (readonly PairRef[])[])[]): BatchPlan {
  return (update) => batches[update % batches.length]!
}
