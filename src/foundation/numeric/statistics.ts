/** @file Order statistics and rank statistics over plain arrays of numbers. */

import { quantileSorted, sampleCorrelation } from 'simple-statistics'
import { roomError } from './errors.ts'

/**
 * Arrays that a statistic cannot be computed from: empty, of unequal length or not finite. Exit
 * code 1.
 */
export class StatisticsError extends roomError('statistics', {
  clusters: 1,
  empty: 1,
  length: 1,
  'not-finite': 1,
}) {}

/**
 * Checks that there is at least one number, and that every number is finite.
 * @throws StatisticsError `statistics/empty`, `statistics/not-finite`
 */
export function requireFinite(values: ArrayLike<number>, what: string): void {
  if (values.length === 0)
    throw new StatisticsError('empty', { message: `${what}: no values`, hint: 'At least one row is needed.' })
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue
    throw new StatisticsError('not-finite', {
      message: `${what}: element ${i} of ${values.length} is ${values[i]}, expected a finite number`,
      hint: 'Look for the item whose vector or score is not a number; leave it out or embed it again.',
    })
  }
}

/**
 * Checks that two arrays describe the same rows.
 * @throws StatisticsError `statistics/length`
 */
export function requireSameLength(a: ArrayLike<unknown>, b: ArrayLike<unknown>, what: string): void {
  if (a.length === b.length) return
  throw new StatisticsError('length', {
    message: `${what}: ${a.length} and ${b.length} elements, expected as many in both`,
    hint: 'Both arrays must describe the same rows in the same order.',
  })
}

/** Arithmetic mean in f64; NaN for an empty array. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return sum / values.length
}

/**
 * Element at the share `p` (0 to 1) of the sorted values; the mean of two neighbours where `p`
 * falls between them.
 */
export function quantile(values: ArrayLike<number>, p: number): number {
  return quantileSorted(Array.from(Float64Array.from(values).sort()), p)
}

/** Pearson's correlation, −1 to 1. At least two rows; NaN where one side is constant. */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  requireSameLength(a, b, 'correlation')
  return sampleCorrelation(Array.from(a), Array.from(b))
}

/**
 * Spearman's rank correlation with tied values at their mean rank, −1 to 1; NaN where one side is
 * constant.
 */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  requireSameLength(a, b, 'rank correlation')
  return pearson(meanRanks(a), meanRanks(b))
}

/** Ranks from 1; equal values share the mean of their ranks. */
export function meanRanks(values: ArrayLike<number>): Float64Array {
  const order = ascending(values)
  const ranks = new Float64Array(values.length)
  for (let start = 0; start < order.length; ) {
    let end = start + 1
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++
    for (let i = start; i < end; i++) ranks[order[i]!] = (start + end + 1) / 2
    start = end
  }
  return ranks
}

/** Scores with an optional weight each (1 where left out). */
export interface Weighted {
  scores: ArrayLike<number>
  weights?: ArrayLike<number>
}

/**
 * Area under the ROC curve: the share of (positive, negative) pairs where the positive scores
 * higher, ties counted half (the Mann–Whitney statistic divided by the number of pairs; Hanley &
 * McNeil 1982). A weight counts its row that many times.
 */
export function areaUnderRoc(positives: Weighted, negatives: Weighted): number {
  requireFinite(positives.scores, 'positives')
  requireFinite(negatives.scores, 'negatives')
  const split = positives.scores.length
  const scores = new Float64Array(split + negatives.scores.length)
  scores.set(Float64Array.from(positives.scores))
  scores.set(Float64Array.from(negatives.scores), split)
  const order = ascending(scores)
  let below = 0
  let won = 0
  let positiveTotal = 0
  for (let start = 0; start < order.length; ) {
    let tiedPositive = 0
    let tiedNegative = 0
    let end = start
    for (; end < order.length && scores[order[end]!] === scores[order[start]!]; end++) {
      const row = order[end]!
      if (row < split) tiedPositive += positives.weights?.[row] ?? 1
      else tiedNegative += negatives.weights?.[row - split] ?? 1
    }
    won += tiedPositive * (below + tiedNegative / 2)
    below += tiedNegative
    positiveTotal += tiedPositive
    start = end
  }
  return won / (positiveTotal * below)
}

/** Positions of the values from smallest to largest; equal values keep their order. */
function ascending(values: ArrayLike<number>): Uint32Array {
  return Uint32Array.from({ length: values.length }, (_, i) => i).sort((i, j) => values[i]! - values[j]!)
}
