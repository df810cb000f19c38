/** @file Sequences of a step in groups of similar length. */

/**
 * Splits sequences into groups by length, so that the fewest positions are padding.
 * @param lengths positions of each sequence
 * @returns positions in `lengths`, the shortest first; each group has members where there are that
 *   many sequences
 */
export function splitByLength(lengths: readonly number[], groups: number): number[][] {
  const length = (at: number) => lengths[at]!
  const order = lengths.map((_, at) => at).sort((a, b) => length(a) - length(b) || a - b)
  // fewest[g][n]: positions of the n shortest in g + 1 groups; the last group begins at
  // starts[g][n].
  const fewest = [order.map((at, n) => (n + 1) * length(at))]
  const starts = [order.map(() => 0)]
  for (let g = 1; g < groups; g++) {
    const best = order.map(() => Number.POSITIVE_INFINITY)
    const from = order.map(() => 0)
    for (let n = g; n < order.length; n++) {
      for (let start = g; start <= n; start++) {
        const positions = fewest[g - 1]![start - 1]! + (n - start + 1) * length(order[n]!)
        if (positions < best[n]!) [best[n], from[n]] = [positions, start]
      }
    }
    fewest.push(best)
    starts.push(from)
  }
  const split: number[][] = []
  for (let g = groups - 1, end = order.length; g >= 0; g--) {
    const start = starts[g]![end - 1]!
    split.unshift(order.slice(start, end))
    end = start
  }
  return split
}
