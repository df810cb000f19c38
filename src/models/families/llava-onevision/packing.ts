/**
 * @file How the tokens of pictures become the rows that enter the sequence: as they are, or mixed
 * by fours where a map is scaled down.
 * @see specs/ar-vlms.md §2.5
 */

import { interpolationMatrix } from '../../../engine/graph/convolution.ts'
import { f32, i64, type Tensor } from '../../../foundation/numeric/tensor.ts'
import type { TileMap } from '../llava-next/packing.ts'

/** Rows of the tower's table that make one packed row, and their shares. */
export const SOURCES = 4

type Mix = readonly (readonly [row: number, share: number])[]

/** The rows of several pictures, in order. */
export class Packing {
  readonly #mixes: Mix[] = []

  get length(): number {
    return this.#mixes.length
  }

  /** @param rows taken as they are */
  add(rows: Iterable<number>): void {
    for (const row of rows) this.#mixes.push([[row, 1]])
  }

  mix(sources: Mix): void {
    this.#mixes.push(sources)
  }

  /**
   * `pack_index` `[sources, packed] i64`, `pack_share` `[sources, packed, 1] f32`. Sources that a
   * row does not need have share 0.
   */
  feeds(): Record<string, Tensor> {
    const count = this.length
    const index = new Float64Array(SOURCES * count)
    const share = new Float32Array(SOURCES * count)
    for (const [at, mix] of this.#mixes.entries()) {
      for (const [source, [row, part]] of mix.entries()) {
        index[source * count + at] = row
        share[source * count + at] = part
      }
    }
    return { pack_index: i64([SOURCES, count], index), pack_share: f32([SOURCES, count, 1], share) }
  }
}

/**
 * The size that a map is scaled to: itself, unless it has over 1.1² times the tokens of `maxTiles`
 * views.
 * @param side a view's side in tokens
 */
export function boundedSize(
  { width, height }: Pick<TileMap, 'width' | 'height'>,
  maxTiles: number,
  side: number,
): [number, number] {
  const ratio = Math.sqrt((height * width) / (maxTiles * side ** 2))
  return ratio > 1.1 ? [floorDivide(height, ratio), floorDivide(width, ratio)] : [height, width]
}

/** Python's `//` of floats: not always the floor of the rounded quotient. */
function floorDivide(a: number, b: number): number {
  return Math.round((a - (a % b)) / b)
}

/**
 * Adds the map of the only picture, scaled to `[height, width]`, a newline after each row:
 * bilinear, corners not aligned, no antialias.
 */
export function packMap(
  packing: Packing,
  map: TileMap,
  [height, width]: readonly [number, number],
  newline: number,
): void {
  const vertical = taps(map.height, height)
  const horizontal = taps(map.width, width)
  for (const rows of vertical) {
    for (const columns of horizontal) {
      packing.mix(
        rows.flatMap(([y, down]) => columns.map(([x, across]) => [map.rowAt(y, x), down * across] as const)),
      )
    }
    packing.add([newline])
  }
}

/** For each place, the one or two places that it is mixed of. */
function taps(from: number, to: number): [place: number, share: number][][] {
  const weights = interpolationMatrix(from, to)
  return Array.from({ length: to }, (_, i) => {
    const row = weights.subarray(i * from, (i + 1) * from)
    return [...row].flatMap((share, place): [number, number][] => (share === 0 ? [] : [[place, share]]))
  })
}
