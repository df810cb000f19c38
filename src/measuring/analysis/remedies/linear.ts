/** @file Remedy: the linear map of images to their texts, by ridge regression in closed form. */

import { choleskyFactor, inverseOfFactor } from '../../../foundation/numeric/cholesky.ts'
import { shapeOf, transpose } from '../../../foundation/numeric/linear.ts'
import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'
import type { Products } from '../products.ts'
import { chosenFit } from './chosen.ts'
import { centring, type Remedy, unit } from './remedy.ts'

/** Shares of the images' mean variance that are added to each direction. */
const RIDGES = [0.001, 0.01, 0.1, 1, 10]

export const linear: Remedy = {
  label: 'linear map',
  meaning: 'Centred, and each image is replaced by the text that a linear regression foretells from it.',
  source: 'Hoerl & Kennard 1970 (ridge regression)',
  async fit(pairs, options) {
    const { products } = options
    return await chosenFit(pairs, RIDGES, options, async (fitted, ridge) => {
      const centre = centring(fitted)
      const { images, texts } = centre(fitted)
      const map = transpose(await ridgeMap(images, texts, ridge, products))
      return {
        setting: `ridge ${ridge}`,
        async apply(others) {
          const moved = centre(others)
          return unit({ images: await products.times(moved.images, map), texts: moved.texts })
        },
      }
    })
  },
}

/**
 * `W [dim, dim]` that minimises `‖X·W − Y‖² + λ‖W‖²`, where λ is `ridge` times the mean variance of
 * X times the rows. Solves with the smaller of the two matrices: that of the dimensions, or that of
 * the rows.
 * @param x `[rows, dim]` @param y `[rows, dim]`, both of mean 0
 */
export async function ridgeMap(
  x: Tensor<'f32'>,
  y: Tensor<'f32'>,
  ridge: number,
  products: Products,
): Promise<Tensor<'f32'>> {
  const { rows, dim } = shapeOf(x)
  const wide = dim > rows
  const square = wide ? await products.times(x, x) : await products.ofColumns(x, x)
  const inverse = inverseOf(square, ridge, dim)
  // Xᵀ·(X·Xᵀ + λ)⁻¹·Y = (Xᵀ·X + λ)⁻¹·Xᵀ·Y
  if (wide) return await products.ofColumns(x, await products.times(inverse, transpose(y)))
  return await products.times(inverse, await products.ofColumns(y, x))
}

/** `(A + λ)⁻¹`, where λ is `ridge` · trace(A) / dim. @param matrix `A [n, n]`, semidefinite */
function inverseOf(matrix: Tensor<'f32'>, ridge: number, dim: number): Tensor<'f32'> {
  const { rows: n } = shapeOf(matrix)
  const shifted = Float64Array.from(matrix.data)
  let trace = 0
  for (let i = 0; i < n; i++) trace += shifted[i * (n + 1)]!
  const shift = (ridge * trace) / dim
  for (let i = 0; i < n; i++) shifted[i * (n + 1)] = shifted[i * (n + 1)]! + shift
  const factor = choleskyFactor(shifted, n)
  const inverse = f32([n, n], new Float32Array(n * n))
  // Rows without any variance: there is nothing to foretell from.
  if (factor === undefined) return inverse
  const half = inverseOfFactor(factor, n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0
      for (let k = i; k < n; k++) sum += half[k * n + i]! * half[k * n + j]!
      inverse.data[i * n + j] = sum
      inverse.data[j * n + i] = sum
    }
  }
  return inverse
}
