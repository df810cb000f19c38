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

/** Cosines in memory at a time, in bytes, of each of two blocks. */
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
  /** `[count, k]` nearest items of the own modality, the asking one left out. */
  readonly neighbours: Int32Array
  /** `[count]` how many items of the other modality have this one among their `k` nearest. */
  readonly occurrences: Float64Array
}

export interface Pool {
  readonly count: number
  /** Neighbours that were kept of each. */
  readonly kept: number
  readonly images: Asked
  readonly texts: Asked
}

/** Ranks all against all, a block at a time. @param pairs of unit vectors, or zeros */
export async function poolOf({ images, texts }: Pairs, products: Products, k = NEIGHBOURS): Promise<Pool> {
  const { rows: count } = shapeOf(images)
  const occurrences = { images: new Float64Array(count), texts: new Float64Array(count) }
  const fromImages = await asked(images, texts, products, { k, found: occurrences.texts })
  const fromTexts = await asked(texts, images, products, { k, found: occurrences.images })
  return {
    count,
    kept: Math.min(k, count - 1),
    images: { ...fromImages, occurrences: occurrences.images },
    texts: { ...fromTexts, occurrences: occurrences.texts },
  }
}

/** The ranking in which one of `level` + 1 equally near candidates is right. */
export function rankingAt({ above, level }: Places, row: number): Ranking {
  return { groups: [{ above: above[row]!, size: level[row]! + 1, grades: [1], counts: [1] }], positives: 1 }
}

async function asked(
  own: Tensor<'f32'>,
  other: Tensor<'f32'>,
  products: Products,
  { k, found }: { k: number; found: Float64Array },
): Promise<Omit<Asked, 'occurrences'>> {
  const { rows: count } = shapeOf(own)
  const kept = Math.min(k, count - 1)
  const [ofOther, mixed] = [placesFor(count), placesFor(count)]
  const neighbours = new Int32Array(count * kept)
  const tall = Math.max(1, Math.floor(BLOCK_BYTES / 4 / count))
  for (let start = 0; start < count; start += tall) {
    const rows = Math.min(tall, count - start)
    const block = rangeOf(own, start, rows)
    const { data: across } = await products.times(block, other)
    const { data: within } = await products.times(block, own)
    const [nearestOther, nearestOwn] = [new TopK(rows, Math.min(k, count)), new TopK(rows, kept)]
    for (let row = 0; row < rows; row++) {
      const [i, from] = [start + row, row * count]
      const right = across[from + i]!
      within[from + i] = Number.NEGATIVE_INFINITY
      const rivals = compared(across, from, count, right)
      const others = compared(within, from, count, right)
      // The partner itself stands level.
      ofOther.above[i] = rivals.above
      ofOther.level[i] = rivals.level - 1
      mixed.above[i] = rivals.above + others.above
      mixed.level[i] = rivals.level - 1 + others.level
      nearestOther.offer(row, across, from, count, 0)
      nearestOwn.offer(row, within, from, count, 0)
    }
    for (const column of nearestOther.finish().columns) found[column] = found[column]! + 1
    neighbours.set(nearestOwn.finish().columns, start * kept)
  }
  return { other: ofOther, mixed, neighbours }
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
