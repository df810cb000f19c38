/** @file Clipping of gradients by their global norm. */

import type { NamedArrays } from './arrays.ts'

/**
 * Euclidean norm over all elements of all arrays, summed in f64. Not finite as soon as one element
 * isn't.
 */
export function globalNorm(arrays: NamedArrays): number {
  let total = 0
  for (const { data } of Object.values(arrays)) {
    let sum = 0
    for (let i = 0; i < data.length; i++) sum += data[i]! * data[i]!
    total += sum
  }
  return Math.sqrt(total)
}

/**
 * The factor that brings `norm` down to `limit`: `min(1, limit / (norm + 1e-6))`, as torch's
 * `clip_grad_norm_` has it.
 */
export function clipFactor(norm: number, limit: number): number {
  return Math.min(1, limit / (norm + 1e-6))
}
