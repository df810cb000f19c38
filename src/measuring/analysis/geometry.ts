/**
 * @file Every alignment measure is computed from the inner products of paired unit vectors, and
 * from weights that say how often a pair was drawn. Vectors are multiplied once; a resample only
 * indexes the products.
 *
 * Resampling draws some pairs several times. A copy is not another item: it is neither a mismatched
 * partner of its original nor a neighbour of it. So all sums over two or more items run over
 * *distinct* pairs of the study, each term weighted by the product of its weights, and divided by
 * the sum of those products. Every such mean has the expectation of the mean over the pairs
 * themselves.
 */

import { gram, l2NormaliseRows, shapeOf } from '../../foundation/numeric/linear.ts'
import { requireFinite } from '../../foundation/numeric/statistics.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { AnalysisError } from './errors.ts'
import { hsic } from './hsic.ts'

/**
 * Row i of both sets describes the same item. Rows are scaled to length 1 here if they are not yet.
 */
export interface Pairs {
  /** `[pairs, dim]` */
  images: Tensor<'f32'>
  /** `[pairs, dim]` */
  texts: Tensor<'f32'>
}

/** Cosines, each `[count, count]` row-major. */
export interface PairGeometry {
  count: number
  /** Image i with image j. */
  image: Float32Array
  /** Text i with text j. */
  text: Float32Array
  /** Image i with text j; the diagonal is matched. */
  cross: Float32Array
  /**
   * Inner products with the weighted centroids; the last sample's are kept, as several measures ask
   * for them.
   */
  centroids: (sample: Sample) => CentroidProducts
  /**
   * Squared Frobenius norms of the covariances of the images and of the texts, unbiased; kept like
   * `centroids`.
   */
  covariances: (sample: Sample) => { image: number; text: number }
}

/**
 * `[count]` each: inner product of a vector with a weighted centroid; 0 for pairs that were not
 * drawn.
 */
interface CentroidProducts {
  /** Image i with the centroid of the images. */
  imageImage: Float64Array
  /** Image i with the centroid of the texts. */
  imageText: Float64Array
  /** Text i with the centroid of the images. */
  textImage: Float64Array
  /** Text i with the centroid of the texts. */
  textText: Float64Array
}

/** Pairs with the number of times each was drawn. */
export interface Sample {
  /** `[count]` */
  weights: Float64Array
  /** Pairs of weight above 0, ascending. */
  active: Uint32Array
  /** Sum of the weights. */
  total: number
  /** Sum over ordered couples of distinct pairs of the product of their weights. */
  couples: number
}

/** A measure with everything that does not depend on the weights already computed. */
export type Estimator = (sample: Sample) => number

/** Fewest pairs: the unbiased estimators run over four distinct ones. */
const FEWEST_PAIRS = 4

/**
 * Multiplies all vectors.
 * @throws AnalysisError `analysis/count`, `analysis/too-few`, `analysis/zero-vector`;
 *   StatisticsError `statistics/not-finite`
 */
export function geometryOf(pairs: Pairs): PairGeometry {
  const { rows: count } = shapeOf(pairs.images)
  const { rows: textCount } = shapeOf(pairs.texts)
  if (count !== textCount) {
    throw new AnalysisError('count', {
      message: `${count} images and ${textCount} texts, expected one text for each image`,
      hint: 'Row i of both must describe the same item.',
    })
  }
  if (count < FEWEST_PAIRS) {
    throw new AnalysisError('too-few', {
      message: `${count} pairs, expected at least ${FEWEST_PAIRS}`,
      hint: 'Analyse a task with more rows; intervals become useful from about 100 pairs.',
    })
  }
  const images = unitRows(pairs.images, 'image')
  const texts = unitRows(pairs.texts, 'text')
  return geometryFrom(count, gram(images, images).data, gram(texts, texts).data, gram(images, texts).data)
}

/** The same from cosines, each `[count, count]`. */
export function geometryFrom(
  count: number,
  image: Float32Array,
  text: Float32Array,
  cross: Float32Array,
): PairGeometry {
  return {
    count,
    image,
    text,
    cross,
    centroids: keepLast((sample) => centroidProducts(image, text, cross, sample)),
    covariances: keepLast((sample) => ({
      image: hsic(image, image, count, sample),
      text: hsic(text, text, count, sample),
    })),
  }
}

/**
 * Measures of one resample are computed one after the other: keeping one result spares them the
 * same O(pairs²) sums.
 */
function keepLast<T>(compute: (sample: Sample) => T): (sample: Sample) => T {
  let last: { sample: Sample; result: T } | undefined
  return (sample) => {
    if (last?.sample !== sample) last = { sample, result: compute(sample) }
    return last.result
  }
}

function unitRows(vectors: Tensor<'f32'>, modality: string): Tensor<'f32'> {
  requireFinite(vectors.data, `${modality} vectors`)
  const unit = l2NormaliseRows(vectors)
  const { rows, dim } = shapeOf(unit)
  for (let row = 0; row < rows; row++) {
    if (unit.data.subarray(row * dim, (row + 1) * dim).some((value) => value !== 0)) continue
    throw new AnalysisError('zero-vector', {
      message: `${modality} vector ${row} of ${rows} is zero, expected a direction`,
      hint: 'Was the item empty, or all of it padding?',
    })
  }
  return unit
}

/** Joins weights with the sums that measures share. */
export function sampleOf(weights: Float64Array): Sample {
  let total = 0
  let squares = 0
  const active: number[] = []
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i]!
    if (weight === 0) continue
    active.push(i)
    total += weight
    squares += weight * weight
  }
  return { weights, active: Uint32Array.from(active), total, couples: total * total - squares }
}

/** Every pair once. */
export function wholeSample(count: number): Sample {
  return sampleOf(new Float64Array(count).fill(1))
}

/** Weighted mean of `[count]` values, one for each pair. */
export function pairMean(values: ArrayLike<number>, { weights, active, total }: Sample): number {
  let sum = 0
  for (const i of active) sum += weights[i]! * values[i]!
  return sum / total
}

/**
 * Weighted mean of a symmetric `[count, count]` matrix over couples of distinct pairs. NaN when
 * only one pair was drawn.
 */
export function coupleMean(matrix: Float32Array, { weights, active, couples }: Sample): number {
  const count = weights.length
  let sum = 0
  for (let a = 1; a < active.length; a++) {
    const i = active[a]!
    const offset = i * count
    let row = 0
    for (let b = 0; b < a; b++) {
      const j = active[b]!
      row += weights[j]! * matrix[offset + j]!
    }
    sum += weights[i]! * row
  }
  return (2 * sum) / couples
}

/**
 * Weighted mean cosine over couples of distinct pairs from the products with a centroid, which hold
 * the diagonal too.
 */
export function coupleMeanFrom(
  products: Float64Array,
  matrix: Float32Array,
  { weights, active, total, couples }: Sample,
): number {
  const count = weights.length
  let sum = 0
  for (const i of active) sum += weights[i]! * (products[i]! * total - weights[i]! * matrix[i * count + i]!)
  return sum / couples
}

function centroidProducts(
  image: Float32Array,
  text: Float32Array,
  cross: Float32Array,
  { weights, active, total }: Sample,
): CentroidProducts {
  const count = weights.length
  const empty = () => new Float64Array(count)
  const products = { imageImage: empty(), imageText: empty(), textImage: empty(), textText: empty() }
  const { textImage } = products
  for (const i of active) {
    const offset = i * count
    const share = weights[i]! / total
    let imageRow = 0
    let textRow = 0
    let crossRow = 0
    for (let b = 0; b < active.length; b++) {
      const j = active[b]!
      const weight = weights[j]!
      const cosine = cross[offset + j]!
      imageRow += weight * image[offset + j]!
      textRow += weight * text[offset + j]!
      crossRow += weight * cosine
      textImage[j] = textImage[j]! + share * cosine
    }
    products.imageImage[i] = imageRow / total
    products.textText[i] = textRow / total
    products.imageText[i] = crossRow / total
  }
  return products
}

/** `[count]` the matched cosines. */
export function matchedCosines({ count, cross }: PairGeometry): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => cross[i * count + i]!)
}
