/**
 * @file Every image asks for its own text, and every text for its own image: in the pool of the
 * other modality, and in a mixed pool of all images and texts. The pools stay whole in a resample,
 * only those who ask are drawn: in a resampled pool near rivals are missing (37 % of them), and
 * recall would rise for no reason.
 */

import { shapeOf } from '../../foundation/numeric/linear.ts'
import type { Ranking } from '../../foundation/numeric/ranking.ts'
import { rangeOf } from '../../foundation/numeric/rows.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { TopK } from '../../foundation/numeric/top-k.ts'
import type { Pairs } from './pairs.ts'
import type { Products } from './products.ts'

/** Neighbours that `mutualNeighbours` and `hubness` look at, as in their papers. */
const NEIGHBOURS = 10

/** Cosines that differ by less are equal: the engine's rounding is of this size. */
const EQUAL = 2 ** -20

/** Cosines in memory at a time, in bytes, of each of three blocks. */
const BLOCK_BYTES = 2 ** 26

/** The place of the right partner among all that were ranked, one for each who asks. */
interface Places {
  /** `[count]` rivals that are nearer than the partner. */
  readonly above: Uint32Array
  /** `[count]` rivals that are as near as the partner. */
  readonly level: Uint32Array
}

/** The answers to all items of one modality. */
interface Asked {
  /** Among all items of the other modality. */
  readonly other: Places
  /** Among all items but the one that asks. */
  readonly mixed: Places
  /**
   * `[count]` how many items of the other modality have this one among their `k` nearest, in
   * expectation where several are equally near.
   */
  readonly occurrences: Float64Array
}

export interface Pool {
  readonly count: number
  readonly images: Asked
  readonly texts: Asked
  /**
   * `[count]` share of the `k` nearest images of an image that are among the `k` nearest texts of
   * its text, in expectation where several are equally near. NaN where all others are among the
   * nearest, so that the share would be 1 whatever the vectors are.
   */
  readonly shared: Float64Array
}

/** Ranks all against all, a block at a time. @param pairs of unit vectors, or zeros */
export async function poolOf({ images, texts }: Pairs, products: Products, k = NEIGHBOURS): Promise<Pool> {
  const { rows: count } = shapeOf(images)
  const pool = { count, images: askedBy(count), texts: askedBy(count), shared: new Float64Array(count) }
  const kept = Math.min(k, count - 1)
  const tall = Math.max(1, Math.floor(BLOCK_BYTES / 4 / count))
  for (let start = 0; start < count; start += tall) {
    const rows = Math.min(tall, count - start)
    const block = { count, start, rows, k }
    const ofImages = await asked(images, texts, products, block, pool.images, pool.texts.occurrences)
    const ofTexts = await asked(texts, images, products, block, pool.texts, pool.images.occurrences)
    for (let row = 0; row < rows; row++) {
      let common = 0
      for (let at = row * count; at < (row + 1) * count; at++)
        common +=
          chance(ofImages.nearest[row]!, ofImages.within[at]!) *
          chance(ofTexts.nearest[row]!, ofTexts.within[at]!)
      pool.shared[start + row] = kept < count - 1 ? common / kept : Number.NaN
    }
  }
  return pool
}

/** The ranking in which one of `level` + 1 equally near candidates is right. */
export function rankingAt({ above, level }: Places, row: number): Ranking {
  return { groups: [{ above: above[row]!, size: level[row]! + 1, grades: [1], counts: [1] }], positives: 1 }
}

function askedBy(count: number): Asked {
  return { other: placesFor(count), mixed: placesFor(count), occurrences: new Float64Array(count) }
}

interface Block {
  readonly count: number
  readonly start: number
  readonly rows: number
  readonly k: number
}

/**
 * Fills the places of a block of askers, and counts whom they find.
 * @param found `[count]` occurrences of the other modality
 * @returns cosines `[rows, count]` with the own modality, and which of them are nearest
 */
async function asked(
  own: Tensor<'f32'>,
  other: Tensor<'f32'>,
  products: Products,
  { count, start, rows, k }: Block,
  places: Asked,
  found: Float64Array,
): Promise<{ within: Float32Array; nearest: Nearest[] }> {
  const asking = rangeOf(own, start, rows)
  const { data: across } = await products.times(asking, other)
  const { data: within } = await products.times(asking, own)
  for (let row = 0; row < rows; row++) {
    const [i, from] = [start + row, row * count]
    const right = across[from + i]!
    within[from + i] = Number.NEGATIVE_INFINITY
    const rivals = compared(across, from, count, right)
    const others = compared(within, from, count, right)
    // The partner itself stands level.
    places.other.above[i] = rivals.above
    places.other.level[i] = rivals.level - 1
    places.mixed.above[i] = rivals.above + others.above
    places.mixed.level[i] = rivals.level - 1 + others.level
  }
  for (const [row, one] of nearestOf(across, rows, count, Math.min(k, count)).entries())
    for (let j = 0; j < count; j++) found[j] = found[j]! + chance(one, across[row * count + j]!)
  return { within, nearest: nearestOf(within, rows, count, Math.min(k, count - 1)) }
}

/** The `k` nearest of one who asks: all above `bound`, and a share of those equal to it. */
interface Nearest {
  readonly bound: number
  readonly share: number
}

/** The chance to be among the nearest, where equally near ones are drawn at random. */
function chance({ bound, share }: Nearest, cosine: number): number {
  const difference = cosine - bound
  return difference > EQUAL ? 1 : difference >= -EQUAL ? share : 0
}

/** @param scores `[rows, count]` */
function nearestOf(scores: Float32Array, rows: number, count: number, k: number): Nearest[] {
  const best = new TopK(rows, k)
  for (let row = 0; row < rows; row++) best.offer(row, scores, row * count, count, 0)
  const { scores: kept } = best.finish()
  return Array.from({ length: rows }, (_, row) => {
    const bound = k === 0 ? Number.POSITIVE_INFINITY : kept[(row + 1) * k - 1]!
    const { above, level } = compared(scores, row * count, count, bound)
    return { bound, share: (k - above) / level }
  })
}

/** The place of each partner among all items of the other modality, and nothing else. */
export async function placesAmong(
  own: Tensor<'f32'>,
  other: Tensor<'f32'>,
  products: Products,
): Promise<Places> {
  const { rows: count } = shapeOf(own)
  const places = placesFor(count)
  const tall = Math.max(1, Math.floor(BLOCK_BYTES / 4 / count))
  for (let start = 0; start < count; start += tall) {
    const rows = Math.min(tall, count - start)
    const { data } = await products.times(rangeOf(own, start, rows), other)
    for (let row = 0; row < rows; row++) {
      const [i, from] = [start + row, row * count]
      const { above, level } = compared(data, from, count, data[from + i]!)
      places.above[i] = above
      places.level[i] = level - 1
    }
  }
  return places
}

function placesFor(count: number): Places {
  return { above: new Uint32Array(count), level: new Uint32Array(count) }
}

/** Cosines that lie above a value, and those that are equal to it. */
function compared(scores: Float32Array, from: number, count: number, value: number) {
  let [above, level] = [0, 0]
  for (let at = from; at < from + count; at++) {
    const difference = scores[at]! - value
    if (difference > EQUAL) above += 1
    else if (difference >= -EQUAL) level += 1
  }
  return { above, level }
}
