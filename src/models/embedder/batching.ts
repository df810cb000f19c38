/** @file Which items run together: of similar length, within a budget of positions. */

/**
 * Splits rows into batches. Sorted by length, so that little is padded; each batch has at most
 * `budget` positions, padding included (one row alone may exceed it).
 * @param lengths positions of each row
 * @returns indices into `lengths`, longest batches first: memory peaks at the start
 * @example batches([3, 9, 3], 10) // [[1], [0, 2]]
 */
export function batches(lengths: readonly number[], budget: number): number[][] {
  const order = indices(lengths.length).sort((a, b) => lengths[b]! - lengths[a]! || a - b)
  const made: number[][] = []
  let room = 0
  for (const row of order) {
    const current = made.at(-1)
    if (current === undefined || room < 1) {
      made.push([row])
      room = Math.floor(budget / Math.max(1, lengths[row]!)) - 1
    } else {
      current.push(row)
      room -= 1
    }
  }
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
