/** @file The Hilbert–Schmidt independence criterion of two kernels over weighted items. */

import type { Sample } from './sample.ts'

/**
 * Unbiased HSIC of two symmetric kernels: E[K₁₂L₁₂] − 2 E[K₁₂L₁₃] + E[K₁₂L₃₄] over distinct items
 * (Song et al. 2012, eq. 4–5; for linear kernels the squared Frobenius norm of the
 * cross-covariance). With weights, each of the three is a mean over distinct items weighted by the
 * product of their weights, in closed form by inclusion and exclusion; weights of 1 give Song's
 * estimator.
 * @param first  `[count, count]`
 * @param second `[count, count]`
 */
export function hsic(
  first: Float32Array,
  second: Float32Array,
  count: number,
  { weights, active, total, couples }: Sample,
): number {
  const moments = { joint: 0, firstSum: 0, secondSum: 0, chains: 0, weightedChains: 0, doubled: 0 }
  // The weighted sums are divided by the same sums with both kernels equal to 1.
  const counts = { chains: 0, weightedChains: 0, doubled: 0 }
  const squares = total * total - couples
  for (const i of active) {
    const weight = weights[i]!
    const offset = i * count
    let firstRow = 0
    let secondRow = 0
    let joint = 0
    let doubled = 0
    for (let c = 0; c < active.length; c++) {
      const j = active[c]!
      if (i === j) continue
      const other = weights[j]!
      const a = first[offset + j]!
      const b = second[offset + j]!
      const product = other * a * b
      firstRow += other * a
      secondRow += other * b
      joint += product
      doubled += other * product
    }
    const chains = firstRow * secondRow - doubled
    moments.joint += weight * joint
    moments.firstSum += weight * firstRow
    moments.secondSum += weight * secondRow
    moments.chains += weight * chains
    moments.weightedChains += weight * weight * chains
    moments.doubled += weight * weight * doubled

    const otherSquares = squares - weight * weight
    const possible = (total - weight) ** 2 - otherSquares
    counts.chains += weight * possible
    counts.weightedChains += weight * weight * possible
    counts.doubled += weight * weight * otherSquares
  }
  // Couples (i, j), (q, r) without a common item: all of them, less four ways to share one, less
  // two ways to share both.
  const disjoint = moments.firstSum * moments.secondSum - 4 * moments.weightedChains - 2 * moments.doubled
  const disjointCount = couples * couples - 4 * counts.weightedChains - 2 * counts.doubled
  return moments.joint / couples - (2 * moments.chains) / counts.chains + disjoint / disjointCount
}
