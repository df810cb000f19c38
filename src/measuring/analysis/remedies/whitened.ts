/** @file Remedy: centred, and every direction gets the same variance. */

import { choleskyFactor, inverseOfFactor } from '../../../foundation/numeric/cholesky.ts'
import { shapeOf } from '../../../foundation/numeric/linear.ts'
import { joined } from '../../../foundation/numeric/rows.ts'
import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'
import type { Products } from '../products.ts'
import { centring, type Remedy, unit } from './remedy.ts'

export const whitened: Remedy = {
  label: 'whitened',
  meaning: 'Centred, and every direction gets the same variance: no few directions outweigh the others.',
  source: 'Su et al. 2021; shrinkage of Ledoit & Wolf 2004',
  async fit(pairs, { products }) {
    const centre = centring(pairs)
    const { images, texts } = centre(pairs)
    // One covariance for both: with one each, the axes of the two modalities would not agree.
    const { covariance, shrinkage } = await shrunkCovariance(joined([images, texts])!, products)
    const { rows: dim } = shapeOf(covariance)
    const factor = choleskyFactor(Float64Array.from(covariance.data), dim)
    const map = factor && f32([dim, dim], inverseOfFactor(factor, dim))
    return {
      setting: `shrinkage ${shrinkage.toPrecision(2)}`,
      async apply(others) {
        const moved = centre(others)
        if (map === undefined) return unit(moved)
        const [image, text] = [
          await products.times(moved.images, map),
          await products.times(moved.texts, map),
        ]
        return unit({ images: image, texts: text })
      },
    }
  },
}

/**
 * The covariance, moved towards a multiple of the unit matrix by the share that makes it nearest to
 * the true one (Ledoit & Wolf 2004): with fewer rows than dimensions the plain one has no inverse.
 * @param rows `[rows, dim]` of mean 0
 */
export async function shrunkCovariance(
  rows: Tensor<'f32'>,
  products: Products,
): Promise<{ covariance: Tensor<'f32'>; shrinkage: number }> {
  const { rows: count, dim } = shapeOf(rows)
  const plain = (await products.ofColumns(rows, rows)).data.map((value) => value / count)
  let trace = 0
  for (let d = 0; d < dim; d++) trace += plain[d * dim + d]!
  const mean = trace / dim
  let squares = 0
  for (const value of plain) squares += value * value
  let fourth = 0
  for (let row = 0; row < count; row++) {
    let length = 0
    for (let d = 0; d < dim; d++) length += rows.data[row * dim + d]! ** 2
    fourth += length * length
  }
  // Distance of the plain covariance from the multiple, and the part of it that is noise.
  const distance = squares - dim * mean * mean
  const noise = Math.min(distance, (fourth / count - squares) / count)
  const shrinkage = distance > 0 ? noise / distance : 1
  const covariance = plain.map(
    (value, at) => (1 - shrinkage) * value + (at % (dim + 1) === 0 ? shrinkage * mean : 0),
  )
  return { covariance: f32([dim, dim], covariance), shrinkage }
}
