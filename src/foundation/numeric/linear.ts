/** @file Dense linear algebra over row-major `[rows, dim] f32`; sums in f64. */

import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import { BifocalError } from './errors.ts'
import { type Tensor, zeros } from './tensor.ts'

/**
 * Rows and width of a matrix.
 * @throws BifocalError `tensor/rank` when it has not two dimensions.
 */
export function shapeOf(matrix: Tensor<'f32'>): { rows: number; dim: number } {
  const [rows, dim] = matrix.dims
  if (matrix.dims.length !== 2 || rows === undefined || dim === undefined) {
    throw new BifocalError('tensor/rank', {
      message: `expected a matrix [rows, dim], got dims [${matrix.dims.join(', ')}]`,
      hint: 'Pass one vector a row.',
    })
  }
  return { rows, dim }
}

/** Inner product in f64 of two vectors of equal length. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** `[rows, dim]` with every row scaled to length 1; a row of zeros stays zero. */
export function l2NormaliseRows(matrix: Tensor<'f32'>): Tensor<'f32'> {
  const { rows, dim } = shapeOf(matrix)
  const out = zeros(matrix.dims)
  for (let row = 0; row < rows; row++) {
    const source = matrix.data.subarray(row * dim, (row + 1) * dim)
    const norm = Math.sqrt(dot(source, source))
    if (norm === 0) continue
    for (let d = 0; d < dim; d++) out.data[row * dim + d] = source[d]! / norm
  }
  return out
}

/** `[dim]` mean of the rows. */
export function meanRow(matrix: Tensor<'f32'>): Float64Array {
  const { rows, dim } = shapeOf(matrix)
  const out = new Float64Array(dim)
  for (let row = 0; row < rows; row++)
    for (let d = 0; d < dim; d++) out[d] = out[d]! + matrix.data[row * dim + d]!
  return out.map((sum) => sum / rows)
}

/** Rows of `b` that stay in the cache while all rows of `a` pass. */
const BLOCK = 64

/**
 * All inner products of rows: `[rowsA, dim] × [rowsB, dim] → [rowsA, rowsB]`; cosines where the
 * rows have length 1.
 * @throws BifocalError `tensor/size` when the widths differ.
 */
export function gram(a: Tensor<'f32'>, b: Tensor<'f32'>): Tensor<'f32'> {
  const { rows, dim } = shapeOf(a)
  const other = shapeOf(b)
  if (other.dim !== dim) {
    throw new BifocalError('tensor/size', {
      message: `rows of ${dim} and of ${other.dim} numbers cannot be multiplied`,
      hint: 'Both sets of vectors must come from the same embedder and be cut to the same number of dimensions.',
    })
  }
  const out = zeros([rows, other.rows])
  for (let start = 0; start < other.rows; start += BLOCK) {
    const end = Math.min(start + BLOCK, other.rows)
    for (let i = 0; i < rows; i++)
      for (let j = start; j < end; j++)
        out.data[i * other.rows + j] = dotRows(a.data, i * dim, b.data, j * dim, dim)
  }
  return out
}

/**
 * Keeps four running sums, so that no addition waits for the one before (1.2 to 1.6 × the speed of
 * one sum on Node 20).
 */
function dotRows(a: Float32Array, atA: number, b: Float32Array, atB: number, dim: number): number {
  let s0 = 0
  let s1 = 0
  let s2 = 0
  let s3 = 0
  let d = 0
  for (; d + 3 < dim; d += 4) {
    s0 += a[atA + d]! * b[atB + d]!
    s1 += a[atA + d + 1]! * b[atB + d + 1]!
    s2 += a[atA + d + 2]! * b[atB + d + 2]!
    s3 += a[atA + d + 3]! * b[atB + d + 3]!
  }
  for (; d < dim; d++) s0 += a[atA + d]! * b[atB + d]!
  return s0 + s1 + s2 + s3
}

/**
 * Coordinates of the rows on the first two principal axes: `[rows, dim] → [rows, 2]`; zeros where
 * an axis has no variance. Deterministic: on each axis the coordinate of largest magnitude is
 * positive. Decomposes the smaller of covariance and Gram matrix.
 */
export function principalPlane(matrix: Tensor<'f32'>): Tensor<'f32'> {
  const { rows, dim } = shapeOf(matrix)
  const centre = meanRow(matrix)
  const centred = zeros(matrix.dims)
  for (let i = 0; i < centred.data.length; i++) centred.data[i] = matrix.data[i]! - centre[i % dim]!
  const wide = dim > rows
  const { values, vectors } = symmetricEigen(
    wide ? gram(centred, centred) : gram(transpose(centred), transpose(centred)),
  )
  const out = zeros([rows, 2])
  for (let axis = 0; axis < Math.min(2, values.length); axis++) {
    const vector = vectors[axis]!
    const scale = Math.sqrt(Math.max(0, values[axis]!))
    const coordinates = Float64Array.from({ length: rows }, (_, row) =>
      wide ? vector[row]! * scale : dot(centred.data.subarray(row * dim, (row + 1) * dim), vector),
    )
    const largest = coordinates.reduce(
      (best, value) => (Math.abs(value) > Math.abs(best) + 1e-9 ? value : best),
      0,
    )
    const sign = largest < 0 ? -1 : 1
    for (let row = 0; row < rows; row++) out.data[row * 2 + axis] = sign * coordinates[row]!
  }
  return out
}

/** `[rows, dim] → [dim, rows]`. */
export function transpose(matrix: Tensor<'f32'>): Tensor<'f32'> {
  const { rows, dim } = shapeOf(matrix)
  const out = zeros([dim, rows])
  for (let row = 0; row < rows; row++)
    for (let d = 0; d < dim; d++) out.data[d * rows + row] = matrix.data[row * dim + d]!
  return out
}

/** Eigenvalues of a symmetric matrix, largest first, with their unit vectors. */
function symmetricEigen(matrix: Tensor<'f32'>): { values: number[]; vectors: number[][] } {
  const { rows, dim } = shapeOf(matrix)
  const square = Array.from({ length: rows }, (_, row) =>
    Array.from(matrix.data.subarray(row * dim, (row + 1) * dim)),
  )
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(new Matrix(square), {
    assumeSymmetric: true,
  })
  const order = realEigenvalues.map((_, i) => i).sort((i, j) => realEigenvalues[j]! - realEigenvalues[i]!)
  return {
    values: order.map((i) => realEigenvalues[i]!),
    vectors: order.map((i) => eigenvectorMatrix.getColumn(i)),
  }
}
