/** @file Paired vectors of images and texts, checked and scaled to length 1. */

import { l2NormaliseRows, shapeOf } from '../../foundation/numeric/linear.ts'
import { requireFinite } from '../../foundation/numeric/statistics.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import { AnalysisError } from './errors.ts'

/** Row i of both sets describes the same item. */
export interface Pairs {
  /** `[pairs, dim]` */
  images: Tensor<'f32'>
  /** `[pairs, dim]` */
  texts: Tensor<'f32'>
}

/** Fewest pairs: the unbiased estimators run over four distinct ones. */
const FEWEST_PAIRS = 4

/** Fewest pictures that an analysis draws again and again: fewer tell no interval. */
export const FEWEST_DRAWN = 8

/**
 * Checks pairs, and scales every row to length 1.
 * @throws AnalysisError `analysis/count`, `analysis/dims`, `analysis/too-few`,
 *   `analysis/zero-vector`; StatisticsError `statistics/not-finite`
 */
export function unitPairs({ images, texts }: Pairs): Pairs {
  const [image, text] = [shapeOf(images), shapeOf(texts)]
  if (image.rows !== text.rows) {
    throw new AnalysisError('count', {
      message: `${image.rows} images and ${text.rows} texts, expected one text for each image`,
      hint: 'Row i of both must describe the same item.',
    })
  }
  if (image.dim !== text.dim) {
    throw new AnalysisError('dims', {
      message: `image vectors of ${image.dim} and text vectors of ${text.dim} elements, expected as many`,
      hint: 'Both sets must come from one model, cut to the same number of dimensions.',
    })
  }
  if (image.rows < FEWEST_PAIRS) {
    throw new AnalysisError('too-few', {
      message: `${image.rows} pairs, expected at least ${FEWEST_PAIRS}`,
      hint: 'Analyse a task with more rows; intervals become useful from about 100 pairs.',
    })
  }
  return { images: unitRows(images, 'image'), texts: unitRows(texts, 'text') }
}

/** With fewer, resamples differ less than samples do. */
const ROUGH = 30

/**
 * Checks that there is enough to draw from.
 * @param clusters `[pairs]` what is drawn together
 * @param notes    sentences: why pairs were left out
 * @returns sentences: what to keep in mind
 * @throws AnalysisError `analysis/too-few`
 */
export function requireEnough(clusters: readonly string[], notes: readonly string[] = []): string[] {
  const { size } = new Set(clusters)
  if (size >= ROUGH) return []
  if (size >= FEWEST_DRAWN)
    return [`intervals from ${size} different images are rough, and too narrow: about 100 make them useful`]
  const equal = size < clusters.length
  const why = notes.length === 0 ? '' : ` (${notes.join('; ')})`
  throw new AnalysisError('too-few', {
    message: equal
      ? `${clusters.length} pairs of only ${size} different images, expected at least ${FEWEST_DRAWN}${why}`
      : `${size} ${size === 1 ? 'pair' : 'pairs'}, expected at least ${FEWEST_DRAWN}${why}`,
    hint: equal
      ? 'Pairs of one image are drawn together. Where all images have one vector, the model tells none from another.'
      : 'Intervals become useful from about 100 pairs.',
  })
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

/** Some of the pairs, in the given order. */
export function selected({ images, texts }: Pairs, rows: ArrayLike<number>): Pairs {
  return { images: rowsAt(images, rows), texts: rowsAt(texts, rows) }
}

/** Some of the rows, in the given order. */
export function rowsAt(matrix: Tensor<'f32'>, rows: ArrayLike<number>): Tensor<'f32'> {
  const { dim } = shapeOf(matrix)
  const data = new Float32Array(rows.length * dim)
  for (let i = 0; i < rows.length; i++)
    data.set(matrix.data.subarray(rows[i]! * dim, (rows[i]! + 1) * dim), i * dim)
  return f32([rows.length, dim], data)
}
