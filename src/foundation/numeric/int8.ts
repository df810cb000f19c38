/**
 * @file Rows in eight bits, each with a scale of its own: weights by output channel, vectors one by
 * one.
 */

import { shapeOf } from './linear.ts'
import { f32, type Tensor, tensor } from './tensor.ts'

export interface Int8Rows {
  /** `[rows, dim]`, −127 … 127: symmetric, so that no element of −128 tips the balance. */
  values: Tensor<'i8'>
  /** `[rows]`: `row ≈ scale · values`; 0 for a row of zeros. */
  scales: Tensor<'f32'>
}

/**
 * `q = round(127 · v / max|v|)`, halves towards +∞, `scale = max|v| / 127`, for each row by itself.
 * @param matrix `[rows, dim]`
 */
export function int8Rows(matrix: Tensor<'f32'>): Int8Rows {
  const { rows, dim } = shapeOf(matrix)
  const { data } = matrix
  const values = new Int8Array(data.length)
  const scales = new Float32Array(rows)
  for (let row = 0; row < rows; row++) {
    const [start, end] = [row * dim, (row + 1) * dim]
    let largest = 0
    for (let i = start; i < end; i++) largest = Math.max(largest, Math.abs(data[i]!))
    scales[row] = largest / 127
    if (largest > 0) for (let i = start; i < end; i++) values[i] = Math.round((127 * data[i]!) / largest)
  }
  return { values: tensor('i8', [rows, dim], values), scales: f32([rows], scales) }
}
