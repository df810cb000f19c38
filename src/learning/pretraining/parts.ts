/**
 * @file A batch in parts that fit the processor's cache. Losses and gradients of the parts add up
 * to those of the batch.
 */

import { f32, i64, sizeOf, type Tensor, tensor } from '../../foundation/numeric/tensor.ts'
import { IMAGE_TOKENS } from './recipe.ts'
import type { TwinFeeds } from './twin-batch.ts'

/**
 * Positions of a part. Matrix products over 4,672 rows run at half the speed of those over 1,024.
 */
export const PART_POSITIONS = 1_536

/** A row of a batch without its padding. */
interface PartRow {
  row: number
  length: number
  /** Number of its picture, −1 without one. */
  picture: number
  /** Places of its scored positions within the `scored_…` feeds. */
  scored: number[]
}

/**
 * Cuts a batch into parts of rows of like length, each padded to its own longest. Rows of one
 * picture stand together, so that most pictures are seen once; rows without a scored position are
 * left out.
 * @param positions most positions of a part that has more than one row
 * @returns feeds of `twinLoss`, whose losses sum to that of `batch`
 */
export function partsOf(batch: TwinFeeds, positions = PART_POSITIONS): TwinFeeds[] {
  const rows = rowsOf(batch)
    .filter(({ scored }) => scored.length > 0)
    .sort((a, b) => a.length - b.length || a.picture - b.picture || a.row - b.row)
  const parts: PartRow[][] = []
  let part: PartRow[] = []
  for (const row of rows) {
    if (part.length > 0 && (part.length + 1) * row.length > positions) {
      parts.push(part)
      part = []
    }
    part.push(row)
  }
  return [...parts, part].map((own) => partOf(batch, own))
}

function rowsOf({ attention_mask, image_index, scored_positions }: TwinFeeds): PartRow[] {
  const [count = 0, seq = 0] = attention_mask.dims
  const scored: number[][] = Array.from({ length: count }, () => [])
  for (const [place, position] of scored_positions.data.entries())
    scored[Math.floor(Number(position) / seq)]!.push(place)
  return scored.map((own, row) => {
    const within = ({ data }: Tensor<'i64'>) => data.subarray(row * seq, (row + 1) * seq)
    const feature = image_index === undefined ? undefined : within(image_index).find((at) => at >= 0n)
    return {
      row,
      length: within(attention_mask).reduce((sum, seen) => sum + Number(seen), 0),
      picture: feature === undefined ? -1 : Math.floor(Number(feature) / IMAGE_TOKENS),
      scored: own,
    }
  })
}

function partOf(batch: TwinFeeds, rows: readonly PartRow[]): TwinFeeds {
  const { input_ids, attention_mask, image_index, pixels } = batch
  const seq = input_ids.dims[1]!
  const length = rows.at(-1)!.length
  const cut = ({ data }: Tensor<'i64'>) =>
    rows.flatMap(({ row }) => Array.from(data.subarray(row * seq, row * seq + length), Number))
  const dims = [rows.length, length]
  const places = rows.flatMap(({ scored }) => scored)
  const states = rows.flatMap(({ row, scored }, at) =>
    scored.map((place) => at * length + Number(batch.scored_positions.data[place]) - row * seq),
  )
  const part = {
    input_ids: i64(dims, cut(input_ids)),
    attention_mask: i64(dims, cut(attention_mask)),
    scored_positions: i64([places.length], states),
    scored_targets: i64(
      [places.length],
      places.map((place) => Number(batch.scored_targets.data[place])),
    ),
    scored_weights: f32(
      [places.length],
      places.map((place) => batch.scored_weights.data[place]!),
    ),
  }
  if (image_index === undefined || pixels === undefined) return part
  const pictures = [...new Set(rows.map(({ picture }) => picture))].filter((picture) => picture >= 0)
  const renumbered = (at: number) =>
    at < 0 ? at : pictures.indexOf(Math.floor(at / IMAGE_TOKENS)) * IMAGE_TOKENS + (at % IMAGE_TOKENS)
  return {
    ...part,
    image_index: i64(dims, cut(image_index).map(renumbered)),
    pixels: chosen(pixels, pictures),
  }
}

/** Some of the pictures; the first where none is chosen, because the graph wants one. */
function chosen({ dims: [, ...dims], data }: Tensor<'u8'>, pictures: readonly number[]): Tensor<'u8'> {
  const size = sizeOf(dims)
  const own = pictures.length > 0 ? pictures : [0]
  const bytes = new Uint8Array(own.length * size)
  for (const [i, picture] of own.entries())
    bytes.set(data.subarray(picture * size, (picture + 1) * size), i * size)
  return tensor('u8', [own.length, ...dims], bytes)
}
