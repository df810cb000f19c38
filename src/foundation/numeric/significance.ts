/**
 * @file Tests of differences: exact for pairs of hits, by chance for means over tasks, and for many
 * tests at once.
 */

import type { ScoredRows } from './bootstrap.ts'
import { stream } from './random.ts'
import { mean, requireSameLength } from './statistics.ts'

/** Pairs of which one side is better. */
export interface SignTest {
  /** Pairs where `a` is larger, and where `b` is. */
  readonly a: number
  readonly b: number
  /** Probability of a split at least as uneven where neither side is better; two-sided. */
  readonly p: number
}

/**
 * The exact sign test. For hits and misses it is McNemar's exact test (McNemar 1947): only pairs
 * count that differ. Pairs must be independent.
 */
export function signTest(a: ArrayLike<number>, b: ArrayLike<number>): SignTest {
  let [first, second] = [0, 0]
  for (let i = 0; i < a.length; i++) {
    if (a[i]! > b[i]!) first += 1
    else if (a[i]! < b[i]!) second += 1
  }
  return { a: first, b: second, p: evenSplit(Math.min(first, second), first + second) }
}

/** Two-sided probability that a side gets at most `least` of `count` fair coins. */
function evenSplit(least: number, count: number): number {
  // From the largest term down; in logarithms, because 2^-count underflows.
  let log = -count * Math.LN2
  let sum = 0
  for (let k = 0; k <= least; k++) {
    sum += Math.exp(log)
    log += Math.log((count - k) / (k + 1))
  }
  return Math.min(1, 2 * sum)
}

/**
 * Holm's adjusted p-values (Holm 1979): where those of at most 0.05 are called real, the chance
 * that any call is wrong is at most 0.05, whatever the tests have to do with each other.
 */
export function holm(values: readonly number[]): number[] {
  const order = [...values.keys()].sort((i, j) => values[i]! - values[j]!)
  const adjusted = new Array<number>(values.length)
  let largest = 0
  for (const [place, i] of order.entries()) {
    largest = Math.max(largest, Math.min(1, (values.length - place) * values[i]!))
    adjusted[i] = largest
  }
  return adjusted
}

/** Random signs that a test draws, unless it is told otherwise. */
const FLIPS = 9999

/**
 * Fisher's randomisation test of a mean of paired differences: where neither side is better, the
 * differences of a cluster are as likely with the other sign (Fisher 1935; Edgington 1987). It asks
 * no shape of the differences, only that clusters are independent and differences symmetric.
 * @param tasks differences by row; the statistic is the plain mean over tasks of each task's mean
 * @returns the two-sided p-value: at least 1 / (draws + 1)
 * @throws StatisticsError `statistics/empty`, `statistics/length`
 */
export function signFlipTest(
  tasks: readonly ScoredRows[],
  { seed, draws = FLIPS }: { seed: number; draws?: number },
): number {
  const sums = tasks.flatMap(({ values, clusters }) => {
    requireSameLength(values, clusters, 'values and clusters')
    // A cluster that several tasks share is flipped in each task alone, as intervals draw it.
    const ofClusters = new Map<string, number>()
    for (const [i, cluster] of clusters.entries())
      ofClusters.set(cluster, (ofClusters.get(cluster) ?? 0) + values[i]! / clusters.length)
    return [...ofClusters.values()]
  })
  const value = Math.abs(mean(tasks.map(({ values }) => mean(values))) * tasks.length)
  const random = stream(seed, 'sign flips')
  // Sums in another order differ in their last digits: ties count as ties.
  const bar = value * (1 - 1e-9)
  let asLarge = 1
  for (let draw = 0; draw < draws; draw++) {
    let total = 0
    for (const sum of sums) total += random() < 0.5 ? sum : -sum
    if (Math.abs(total) >= bar) asLarge += 1
  }
  return asLarge / (draws + 1)
}
