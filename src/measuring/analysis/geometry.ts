/**
 * @file Alignment measures are computed from inner products of paired unit vectors, and from
 * weights that say how often a pair was drawn. Vectors are multiplied once; a resample only indexes
 * the products.
 */

import { dot, shapeOf } from '../../foundation/numeric/linear.ts'
import { hsic } from './hsic.ts'
import type { Pairs } from './pairs.ts'
import type { Products } from './products.ts'
import { keepLast, type Sample } from './sample.ts'

/** The part of a geometry whose cost grows with the pairs, not with their square. */
export interface PairSet {
  readonly count: number
  /** `[count]` cosine of image i with its own text. */
  readonly matched: Float64Array
  /** `[count]` product of image i with itself: 1, up to rounding. */
  readonly imageSquares: Float64Array
  /** `[count]` product of text i with itself. */
  readonly textSquares: Float64Array
  /** Inner products with the weighted centroids. */
  readonly centroids: (sample: Sample) => CentroidProducts
}

/** Cosines, each `[count, count]` row-major. */
export interface PairGeometry extends PairSet {
  /** Image i with image j. */
  readonly image: Float32Array
  /** Text i with text j. */
  readonly text: Float32Array
  /** Image i with text j; the diagonal is matched. */
  readonly cross: Float32Array
  /** `[count]` 0 or 1: what is fitted to pairs of one half is looked at on the other. */
  readonly half: ArrayLike<number>
  /** Squared Frobenius norms of the covariances of the images and of the texts, unbiased. */
  readonly covariances: (sample: Sample) => { image: number; text: number }
}

/**
 * `[count]` each: inner product of a vector with a weighted centroid; 0 for pairs that were not
 * drawn.
 */
interface CentroidProducts {
  /** Image i with the centroid of the images. */
  readonly imageImage: Float64Array
  /** Image i with the centroid of the texts. */
  readonly imageText: Float64Array
  /** Text i with the centroid of the images. */
  readonly textImage: Float64Array
  /** Text i with the centroid of the texts. */
  readonly textText: Float64Array
}

/** Multiplies all vectors. @param pairs of unit vectors @param half default: by turns */
export async function geometryOf(
  { images, texts }: Pairs,
  products: Products,
  half?: ArrayLike<number>,
): Promise<PairGeometry> {
  const image = await products.times(images, images)
  const text = await products.times(texts, texts)
  const cross = await products.times(images, texts)
  return geometryFrom(shapeOf(images).rows, image.data, text.data, cross.data, half)
}

/** The same from cosines, each `[count, count]`. */
export function geometryFrom(
  count: number,
  image: Float32Array,
  text: Float32Array,
  cross: Float32Array,
  half: ArrayLike<number> = byTurns(count),
): PairGeometry {
  const diagonal = (matrix: Float32Array) =>
    Float64Array.from({ length: count }, (_, i) => matrix[i * count + i]!)
  return {
    count,
    matched: diagonal(cross),
    imageSquares: diagonal(image),
    textSquares: diagonal(text),
    image,
    text,
    cross,
    half,
    centroids: keepLast((sample) => centroidProducts(image, text, cross, sample)),
    covariances: keepLast((sample) => ({
      image: hsic(image, image, count, sample),
      text: hsic(text, text, count, sample),
    })),
  }
}

/** `[count]` 0 and 1 by turns. */
export function byTurns(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => i % 2)
}

/**
 * Without the products of all couples: for sets whose square does not fit.
 * @param pairs of unit vectors
 */
export function pairSetOf({ images, texts }: Pairs): PairSet {
  const { rows: count, dim } = shapeOf(images)
  const row = (data: Float32Array, i: number) => data.subarray(i * dim, (i + 1) * dim)
  const products = (a: Float32Array, b: Float32Array) =>
    Float64Array.from({ length: count }, (_, i) => dot(row(a, i), row(b, i)))
  return {
    count,
    matched: products(images.data, texts.data),
    imageSquares: products(images.data, images.data),
    textSquares: products(texts.data, texts.data),
    centroids: keepLast((sample) => {
      const [image, text] = [centroid(images.data, dim, sample), centroid(texts.data, dim, sample)]
      const withCentroid = (data: Float32Array, centre: Float64Array) => {
        const made = new Float64Array(count)
        for (const i of sample.active) made[i] = dotAt(data, i * dim, centre)
        return made
      }
      return {
        imageImage: withCentroid(images.data, image),
        imageText: withCentroid(images.data, text),
        textImage: withCentroid(texts.data, image),
        textText: withCentroid(texts.data, text),
      }
    }),
  }
}

/** `[dim]` weighted mean of the rows. */
function centroid(data: Float32Array, dim: number, { weights, active, total }: Sample): Float64Array {
  const sum = new Float64Array(dim)
  for (const i of active) {
    const weight = weights[i]! / total
    const offset = i * dim
    for (let d = 0; d < dim; d++) sum[d] = sum[d]! + weight * data[offset + d]!
  }
  return sum
}

function dotAt(data: Float32Array, offset: number, vector: Float64Array): number {
  let sum = 0
  for (let d = 0; d < vector.length; d++) sum += data[offset + d]! * vector[d]!
  return sum
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
