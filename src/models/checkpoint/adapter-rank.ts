/** @file Products of two narrow matrices: inner products, and the nearest one of a smaller rank. */

import { Matrix, QrDecomposition, SingularValueDecomposition } from 'ml-matrix'

/** A matrix `[rows, columns]` as a product. */
export interface Factors {
  readonly rows: number
  readonly columns: number
  readonly rank: number
  /** `[rows, rank]` */
  readonly left: Float64Array
  /** `[rank, columns]` */
  readonly right: Float64Array
}

/** The sum of the products of all elements: `tr((L₁ᵀ·L₂)·(R₂·R₁ᵀ))`, without the matrices. */
export function innerProduct(a: Factors, b: Factors): number {
  const left = matrix(a.left, a.rows, a.rank)
    .transpose()
    .mmul(matrix(b.left, b.rows, b.rank))
  const right = matrix(a.right, a.rank, a.columns).mmul(matrix(b.right, b.rank, b.columns).transpose())
  return Matrix.mul(left, right).sum()
}

/**
 * The nearest product of a rank: the leading singular values and vectors, found in the small matrix
 * between the two factors' orthonormal bases.
 * @returns `kept`: the share of the squared length
 */
export function bestOfRank(given: Factors, rank: number): Factors & { kept: number } {
  const { rows, columns } = given
  const left = matrix(given.left, rows, given.rank)
  const right = matrix(given.right, given.rank, columns)
  // Factors that are wider than high have no such bases; their product is small then.
  const based = given.rank <= Math.min(rows, columns)
  const [leftBasis, rightBasis] = based
    ? [new QrDecomposition(left), new QrDecomposition(right.transpose())]
    : [undefined, undefined]
  const small =
    leftBasis === undefined || rightBasis === undefined
      ? left.mmul(right)
      : leftBasis.upperTriangularMatrix.mmul(rightBasis.upperTriangularMatrix.transpose())
  const { leftSingularVectors, rightSingularVectors, diagonal } = new SingularValueDecomposition(small, {
    autoTranspose: true,
  })
  const leading = diagonal.slice(0, rank)
  // Each factor gets the root of a singular value: both are then of one size.
  const roots = Matrix.diag(leading.map(Math.sqrt))
  const spread = (basis: QrDecomposition | undefined, vectors: Matrix) => {
    const scaled = vectors.subMatrix(0, vectors.rows - 1, 0, leading.length - 1).mmul(roots)
    return basis === undefined ? scaled : basis.orthogonalMatrix.mmul(scaled)
  }
  const squared = (values: readonly number[]) => values.reduce((sum, value) => sum + value * value, 0)
  const whole = squared(diagonal)
  return {
    rows,
    columns,
    rank: leading.length,
    left: Float64Array.from(spread(leftBasis, leftSingularVectors).to1DArray()),
    right: Float64Array.from(spread(rightBasis, rightSingularVectors).transpose().to1DArray()),
    kept: whole === 0 ? 1 : squared(leading) / whole,
  }
}

function matrix(values: Float64Array, rows: number, columns: number): Matrix {
  return Matrix.from1DArray(rows, columns, values)
}
