/** @file Tests of differences: exact for pairs of hits, and for many tests at once. */

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
