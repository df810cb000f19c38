/** @file Whether two sides computed the same. */

import type { Tensor } from '../src/foundation/numeric/tensor.ts'

/**
 * The largest difference of two arrays as a share of the largest element; NaN when one is missing
 * or their sizes differ.
 */
export function largestDifference(got: Tensor | undefined, expected: Tensor | undefined): number {
  if (!(got?.data instanceof Float32Array) || !(expected?.data instanceof Float32Array)) return Number.NaN
  if (got.data.length !== expected.data.length) return Number.NaN
  let difference = 0
  let largest = 0
  for (const [i, value] of expected.data.entries()) {
    difference = Math.max(difference, Math.abs(got.data[i]! - value))
    largest = Math.max(largest, Math.abs(value))
  }
  return difference / largest
}
