/**
 * @file Principal components of many rows: the covariance matrix once, then subspace iteration on
 * it until it stands still (Golub & Van Loan 2013, §8.2). 20,000 × 768 takes about four seconds; a
 * full decomposition would take as long again.
 */

import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import { dot, meanRow, shapeOf } from './linear.ts'
import { fillNormal, stream } from './random.ts'
import { type Tensor, zeros } from './tensor.ts'

export interface PrincipalComponents {
  /** `[rows, components]`; zeros where an axis has no variance. */
  readonly coordinates: Tensor<'f32'>
  /** Of each component: its share of the variance of all rows, in [0, 1], largest first. */
  readonly shares: readonly number[]
}

/** Axes that are iterated beside those that are wanted: they make the wanted ones settle sooner. */
const SPARE = 16

/** Most iterations. Axes of nearly equal variance may still turn into each other then. */
const ITERATIONS = 400

/** Settled: the sine of the angle by which a wanted axis still leaves the ones before. */
const SETTLED = 1e-6

/**
 * The first principal components of the rows: `[rows, dim]` → `[rows, components]`. Deterministic:
 * on each axis the coordinate of largest magnitude is positive.
 * @param components at most `dim`
 */
export function principalComponents(matrix: Tensor<'f32'>, components: number): PrincipalComponents {
  const { rows, dim } = shapeOf(matrix)
  const centre = meanRow(matrix)
  const covariance = scatterMatrix(matrix, centre)
  const total = covariance.reduce((sum, row, d) => sum + row[d]!, 0)
  const axes = total > 0 ? leadingAxes(covariance, components) : []
  const coordinates = zeros([rows, components])
  const shares = Array.from({ length: components }, (_, j) => {
    const axis = axes[j] ?? new Float64Array(dim)
    const shift = dot(centre, axis)
    let [squares, largest] = [0, 0]
    const values = Float64Array.from({ length: rows }, (_, at) => {
      const value = dot(matrix.data.subarray(at * dim, (at + 1) * dim), axis) - shift
      squares += value ** 2
      if (Math.abs(value) > Math.abs(largest) + 1e-9) largest = value
      return value
    })
    const sign = largest < 0 ? -1 : 1
    for (let at = 0; at < rows; at++) coordinates.data[at * components + j] = sign * values[at]!
    return total > 0 ? squares / total : 0
  })
  return { coordinates, shares }
}

/** Rows that are multiplied at a time: a block of 768 columns stays in the cache. */
const BLOCK = 256

/** Sums of products of the centred columns: `[dim][dim]`, symmetric, in f64. */
function scatterMatrix(matrix: Tensor<'f32'>, centre: Float64Array): Float64Array[] {
  const { rows, dim } = shapeOf(matrix)
  const out = Array.from({ length: dim }, () => new Float64Array(dim))
  const columns = Array.from({ length: dim }, () => new Float64Array(BLOCK))
  for (let start = 0; start < rows; start += BLOCK) {
    const count = Math.min(BLOCK, rows - start)
    for (let d = 0; d < dim; d++) {
      const column = columns[d]!
      for (let r = 0; r < count; r++) column[r] = matrix.data[(start + r) * dim + d]! - centre[d]!
    }
    // Two columns by two: each number that is loaded is used twice.
    for (let j = 0; j < dim; j += 2) {
      const [a, b] = [columns[j]!, columns[j + 1] ?? columns[j]!]
      for (let k = 0; k <= j; k += 2) {
        const [c, d] = [columns[k]!, columns[k + 1] ?? columns[k]!]
        let [ac, ad, bc, bd] = [0, 0, 0, 0]
        for (let r = 0; r < count; r++) {
          ac += a[r]! * c[r]!
          ad += a[r]! * d[r]!
          bc += b[r]! * c[r]!
          bd += b[r]! * d[r]!
        }
        add(out, j, k, ac)
        if (k + 1 < dim) add(out, j, k + 1, ad)
        if (j + 1 < dim) add(out, j + 1, k, bc)
        if (j + 1 < dim && k + 1 < dim) add(out, j + 1, k + 1, bd)
      }
    }
  }
  for (let j = 0; j < dim; j++) for (let k = 0; k < j; k++) out[k]![j] = out[j]![k]!
  return out
}

function add(matrix: readonly Float64Array[], j: number, k: number, value: number): void {
  const row = matrix[j]!
  row[k] = row[k]! + value
}

/** Unit vectors of the largest eigenvalues of a symmetric matrix, the largest first. */
function leadingAxes(matrix: readonly Float64Array[], components: number): Float64Array[] {
  const dim = matrix.length
  const random = stream('principal components')
  let axes = orthonormal(
    Array.from({ length: Math.min(dim, components + SPARE) }, () =>
      Float64Array.from(fillNormal(new Float32Array(dim), 1, random)),
    ),
  )
  for (let step = 0; step < ITERATIONS; step++) {
    const products = axes.map((axis) => Float64Array.from(matrix, (row) => dot(row, axis)))
    // Rayleigh and Ritz: the best axes within the plane that was multiplied.
    const turned = orthonormal(rotated(products, ordered(axes, products)))
    const moved = turned.slice(0, components).map((axis) => outside(axis, axes))
    axes = turned
    if (Math.max(...moved) < SETTLED) break
  }
  return axes.slice(0, components)
}

/** Weights of the axes in each axis of their plane, of the largest eigenvalue first. */
function ordered(axes: readonly Float64Array[], products: readonly Float64Array[]): number[][] {
  const within = new Matrix(axes.map((axis) => products.map((product) => dot(axis, product))))
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(within, {
    assumeSymmetric: true,
  })
  return realEigenvalues
    .map((_, i) => i)
    .sort((i, j) => realEigenvalues[j]! - realEigenvalues[i]!)
    .map((i) => eigenvectorMatrix.getColumn(i))
}

/** Sums of the vectors, one for each list of weights. */
function rotated(vectors: readonly Float64Array[], weights: readonly number[][]): Float64Array[] {
  return weights.map((own) => {
    const sum = new Float64Array(vectors[0]!.length)
    for (const [j, vector] of vectors.entries())
      for (let d = 0; d < sum.length; d++) sum[d] = sum[d]! + own[j]! * vector[d]!
    return sum
  })
}

/** Gram and Schmidt, twice over: enough in f64. A vector within the others becomes zero. */
function orthonormal(vectors: readonly Float64Array[]): Float64Array[] {
  const done: Float64Array[] = []
  for (const vector of vectors) {
    const own = Float64Array.from(vector)
    const length = Math.sqrt(dot(own, own))
    for (let pass = 0; pass < 2; pass++)
      for (const other of done) {
        const share = dot(own, other)
        for (let d = 0; d < own.length; d++) own[d] = own[d]! - share * other[d]!
      }
    const left = Math.sqrt(dot(own, own))
    done.push(left > 1e-12 * length ? own.map((value) => value / left) : own.fill(0))
  }
  return done
}

/** Length of the part of a vector that lies outside the span of unit vectors. */
function outside(vector: Float64Array, axes: readonly Float64Array[]): number {
  const inside = axes.reduce((sum, axis) => sum + dot(vector, axis) ** 2, 0)
  return Math.sqrt(Math.max(0, dot(vector, vector) - inside))
}
