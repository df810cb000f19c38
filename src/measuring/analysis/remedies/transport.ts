/** @file Remedy: optimal transport of the images onto the texts, without pairs. */

import { shapeOf, transpose } from '../../../foundation/numeric/linear.ts'
import { shuffle, stream } from '../../../foundation/numeric/random.ts'
import type { Tensor } from '../../../foundation/numeric/tensor.ts'
import { rowsAt } from '../pairs.ts'
import type { Products } from '../products.ts'
import { chosenFit } from './chosen.ts'
import { centring, type Remedy, unit } from './remedy.ts'

/** Entropy's weight as a share of the mean cost. */
const ENTROPIES = [0.02, 0.05, 0.1, 0.2]

/** Points of each cloud at most: a round costs their product. */
const POINTS = 1000

/** Rounds of Sinkhorn at most, and the error of the marginals at which they end. */
const ROUNDS = 1000
const SETTLED = 1e-4

export const transport: Remedy = {
  label: 'transported',
  meaning:
    'Centred, and the images are moved onto the texts as a whole, with the least effort and no pair given.',
  source: 'Cuturi 2013; Pooladian & Niles-Weed 2021 (entropic map)',
  async fit(pairs, options) {
    const { products, seed } = options
    return await chosenFit(pairs, ENTROPIES, options, async (fitted, share) => {
      const centre = centring(fitted)
      const moved = unit(centre(fitted))
      const drawn = drawnRows(shapeOf(moved.images).rows, seed)
      const [images, texts] = [rowsAt(moved.images, drawn), rowsAt(moved.texts, drawn)]
      const map = await entropicMap(images, texts, share, products)
      return {
        setting: `entropy ${share}`,
        async apply(others) {
          const given = unit(centre(others))
          return unit({ images: await map(given.images), texts: given.texts })
        },
      }
    })
  },
}

function drawnRows(count: number, seed: number): number[] {
  const rows = Array.from({ length: count }, (_, i) => i)
  return count <= POINTS
    ? rows
    : shuffle(rows, stream(seed, 'transported points'))
        .slice(0, POINTS)
        .sort((a, b) => a - b)
}

/**
 * The map of Pooladian & Niles-Weed (2021, eq. 7): each point goes to the mean of the targets,
 * weighted as the entropic plan would weigh them for it. Cost: half the squared distance.
 * @param x `[points, dim]` unit vectors @param y `[points, dim]` unit vectors
 * @param share entropy's weight, as a share of the mean cost
 */
async function entropicMap(
  x: Tensor<'f32'>,
  y: Tensor<'f32'>,
  share: number,
  products: Products,
): Promise<(points: Tensor<'f32'>) => Promise<Tensor<'f32'>>> {
  const cosines = await products.times(x, y)
  let sum = 0
  for (const cosine of cosines.data) sum += 1 - cosine
  const entropy = (share * sum) / cosines.data.length
  const { rows } = shapeOf(y)
  // All costs equal: every plan is as good.
  const potential = entropy > 0 ? targetPotential(cosines, entropy) : new Float64Array(rows)
  const columns = transpose(y)
  return async (points) => {
    const weights = await products.times(points, y)
    const { rows: count } = shapeOf(points)
    for (let row = 0; row < count; row++) {
      const own = weights.data.subarray(row * rows, (row + 1) * rows)
      const exponents = Float64Array.from(own, (cosine, j) =>
        entropy > 0 ? (cosine - 1 + potential[j]!) / entropy : 0,
      )
      const most = exponents.reduce((top, value) => Math.max(top, value), Number.NEGATIVE_INFINITY)
      let total = 0
      for (let j = 0; j < rows; j++) {
        exponents[j] = Math.exp(exponents[j]! - most)
        total += exponents[j]!
      }
      for (let j = 0; j < rows; j++) own[j] = exponents[j]! / total
    }
    return await products.times(weights, columns)
  }
}

/**
 * The dual potential of the targets, by Sinkhorn's scaling of `exp(−cost / entropy)` to equal
 * marginals.
 * @param cosines `[points, targets]`; the cost is 1 − cosine
 */
export function targetPotential(cosines: Tensor<'f32'>, entropy: number): Float64Array {
  const { rows, dim: targets } = shapeOf(cosines)
  const kernel = Float64Array.from(cosines.data, (cosine) => Math.exp((cosine - 1) / entropy))
  const rowScale = new Float64Array(rows).fill(1)
  const columnScale = new Float64Array(targets).fill(1)
  for (let round = 0; round < ROUNDS; round++) {
    const columnSum = new Float64Array(targets)
    let error = 0
    for (let i = 0; i < rows; i++) {
      const from = i * targets
      let sum = 0
      for (let j = 0; j < targets; j++) sum += kernel[from + j]! * columnScale[j]!
      error += Math.abs(rowScale[i]! * sum - 1 / rows)
      rowScale[i] = 1 / (rows * sum)
      for (let j = 0; j < targets; j++) columnSum[j] = columnSum[j]! + rowScale[i]! * kernel[from + j]!
    }
    if (round > 0 && error < SETTLED) break
    for (let j = 0; j < targets; j++) columnScale[j] = 1 / (targets * columnSum[j]!)
  }
  return columnScale.map((scale) => entropy * Math.log(scale))
}
