/** @file Cholesky's factor of a symmetric, positive definite matrix, and its uses; all in f64. */

/**
 * The lower triangular `L [n, n]` with `L·Lᵀ = A`; undefined where `A` is not positive definite.
 * @param matrix `[n, n]` row-major; the part above the diagonal is not read
 */
export function choleskyFactor(matrix: Float64Array, n: number): Float64Array | undefined {
  const factor = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const rest = matrix[i * n + j]! - leadingDot(factor, i * n, j * n, j)
      if (i !== j) factor[i * n + j] = rest / factor[j * n + j]!
      else if (rest > 0) factor[i * n + i] = Math.sqrt(rest)
      else return undefined
    }
  }
  return factor
}

/** `L⁻¹ [n, n]`, lower triangular too. @param factor `L`, of `choleskyFactor` */
export function inverseOfFactor(factor: Float64Array, n: number): Float64Array {
  // Rows of the transpose: the inner loops then run along rows of both.
  const columns = new Float64Array(n * n)
  for (let column = 0; column < n; column++) {
    const at = column * n
    columns[at + column] = 1 / factor[column * n + column]!
    for (let i = column + 1; i < n; i++) {
      let sum = 0
      for (let k = column; k < i; k++) sum += factor[i * n + k]! * columns[at + k]!
      columns[at + i] = -sum / factor[i * n + i]!
    }
  }
  const inverse = new Float64Array(n * n)
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) inverse[i * n + j] = columns[j * n + i]!
  return inverse
}

function leadingDot(values: Float64Array, a: number, b: number, count: number): number {
  let sum = 0
  for (let k = 0; k < count; k++) sum += values[a + k]! * values[b + k]!
  return sum
}
