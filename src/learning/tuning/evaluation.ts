/**
 * @file The dev score of a tuning: the loss over all dev pairs as one batch, and how many queries
 * find their own target first among all dev targets.
 */

import { hitAt, rank } from '../../foundation/numeric/ranking.ts'
import { rangeOf } from '../../foundation/numeric/rows.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { PairRef } from './batches.ts'
import { type BatchPair, itemsOf, touches } from './micro-batch.ts'
import type { BadItem } from './micro-step.ts'
import type { TuningSteps } from './steps.ts'

/** A dev pair among all dev targets. */
export interface RankedPair {
  readonly ref: PairRef
  /** Place of the own target, from 1; with ties, the middle of theirs. */
  readonly rank: number
  /** Cosine of the query with its own target. */
  readonly own: number
  /** The other target that is nearest to the query: the pair that it belongs to, and its cosine. */
  readonly nearest: { readonly ref: PairRef; readonly cosine: number } | undefined
}

export interface DevScore {
  readonly loss: number
  /** Share of queries whose own target comes first. */
  readonly hit1: number
  /** Of the first readout. */
  readonly pairs: readonly RankedPair[]
}

export interface EvaluationOptions {
  steps: TuningSteps
  pairs: readonly BatchPair[]
  /** Update whose step inputs the loss gets: the last one's, so that all scores can be compared. */
  update: number
  onBad(bad: readonly BadItem[]): void
  signal?: AbortSignal
}

/**
 * Pairs with an item that can't be read are left out.
 * @throws RuntimeError, InterruptedError; what `onBad` throws
 */
export async function devScore({
  steps,
  pairs,
  update,
  onBad,
  signal,
}: EvaluationOptions): Promise<DevScore> {
  const { vectors, rowOf, bad } = await steps.vectors(itemsOf(pairs), signal)
  if (bad.length > 0) onBad(bad)
  const keys = new Set(bad.map(({ key }) => key))
  const left = pairs.filter((pair) => !touches(pair, keys))
  const { loss } = await steps.lossOf(left, update, vectors, rowOf, signal)
  const ranked = Object.values(vectors).map((rows) => rankedPairs(left, rows, rowOf))
  const hits = ranked.map((list) => list.reduce((sum, { hit }) => sum + hit, 0) / list.length)
  return {
    loss,
    hit1: hits.reduce((sum, hit) => sum + hit, 0) / hits.length,
    pairs: ranked[0]!.map(({ pair }) => pair),
  }
}

function rankedPairs(
  pairs: readonly BatchPair[],
  vectors: Tensor<'f32'>,
  rowOf: ReadonlyMap<string, number>,
): { pair: RankedPair; hit: number }[] {
  const vector = (key: string) => rangeOf(vectors, rowOf.get(key)!, 1).data
  const targets = [...new Map(pairs.map((pair) => [pair.target.key, pair])).values()]
  const rows = targets.map(({ target }) => vector(target.key))
  const places = new Map(targets.map(({ target }, at) => [target.key, at]))
  return pairs.map(({ ref, query, target }) => {
    const asked = vector(query.key)
    const scores = rows.map((row) => dot(asked, row))
    const place = places.get(target.key)!
    const own = scores[place]!
    const higher = scores.filter((score) => score > own).length
    const tied = scores.filter((score) => score === own).length - 1
    const other = scores.reduce(
      (best, score, at) => (at !== place && (best < 0 || score > scores[best]!) ? at : best),
      -1,
    )
    return {
      pair: {
        ref,
        rank: 1 + higher + tied / 2,
        own,
        nearest: other < 0 ? undefined : { ref: targets[other]!.ref, cosine: scores[other]! },
      },
      hit: hitAt(1, rank({ scores, positives: [place] })),
    }
  })
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}
