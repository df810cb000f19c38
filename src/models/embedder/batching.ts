/** @file Which items run together: of similar length, within a budget of positions. */

/** The cost of a batch beside its positions, in positions of a small model. */
const BATCH_COST = 64

/**
 * Splits rows into batches, sorted by length. Each has at most `budget` positions, padding included
 * (one row alone may exceed it). Of all ways to cut the sorted rows the one with the least
 * positions, a new batch counted as `BATCH_COST`: a batch ends where padding would cost more.
 * @param lengths positions of each row
 * @returns indices into `lengths`, longest batches first: memory peaks at the start
 * @example batches([3, 9, 3], 10) // [[1], [0, 2]]
 */
export function batches(lengths: readonly number[], budget: number): number[][] {
  const order = indices(lengths.length).sort((a, b) => lengths[b]! - lengths[a]! || a - b)
  const count = order.length
  /** Of the rows from each place on: the least cost, and the rows of their first batch. */
  const costs = new Float64Array(count + 1)
  const sizes = new Int32Array(count)
  for (let at = count - 1; at >= 0; at--) {
    const longest = Math.max(1, lengths[order[at]!]!)
    const most = Math.max(1, Math.min(count - at, Math.floor(budget / longest)))
    let least = Number.POSITIVE_INFINITY
    for (let size = most; size >= 1; size--) {
      const cost = BATCH_COST + size * longest + costs[at + size]!
      if (cost >= least) continue
      least = cost
      sizes[at] = size
    }
    costs[at] = least
  }
  const made: number[][] = []
  for (let at = 0; at < count; at += sizes[at]!) made.push(order.slice(at, at + sizes[at]!))
  return made
}

/** 0, 1, … `count` − 1. */
export function indices(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

/** Consecutive pieces of at most `size`. */
export function chunks<T>(items: readonly T[], size: number): T[][] {
  const made: T[][] = []
  for (let start = 0; start < items.length; start += size) made.push(items.slice(start, start + size))
  return made
}
