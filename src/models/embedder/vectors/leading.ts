/**
 * @file The first elements of a vector. Models that are trained for it give good vectors with these
 * alone.
 * @see Kusupati et al. 2022 (Matryoshka)
 */

import { l2NormaliseRows } from '../../../foundation/numeric/linear.ts'
import { f32 } from '../../../foundation/numeric/tensor.ts'
import { EmbedderError } from '../errors.ts'

/** @throws EmbedderError `embedder/dims` where `dims` is not from 1 to the number of elements */
export function checkDims(dims: number, elements: number): void {
  if (dims >= 1 && dims <= elements) return
  throw new EmbedderError('dims', {
    message: `dims ${dims}: the vectors have ${elements} elements`,
    hint: `Take a number from 1 to ${elements}.`,
  })
}

/** The first elements, scaled to unit length. */
export function leading(vector: Float32Array, dims: number): Float32Array {
  return l2NormaliseRows(f32([1, Math.min(dims, vector.length)], vector.slice(0, dims))).data
}
