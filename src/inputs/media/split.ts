/**
 * @file Views of Idefics3 and SmolVLM: the picture is enlarged, squeezed to whole tiles and cut.
 * The whole picture is the last view.
 * @see specs/ar-vlms.md §5.5
 */

import type { RgbImage, Size } from './image.ts'
import { type ResizeFilter, resize } from './resize.ts'
import { tiles } from './tile.ts'

/** No side gets longer, whatever the file asks for. */
const LONGEST = 4096

export interface SplitViews {
  /** Tiles from top to bottom and from left to right; 0 where the picture is one view. */
  readonly rows: number
  readonly columns: number
  /** The tiles row by row, then the whole picture. */
  readonly views: RgbImage[]
}

/** The size of a picture whose longer edge is `longest`, the other one even: it enlarges too. */
export function longestEdge({ width, height }: Size, longest: number): Size {
  const aspect = width / height
  const even = (edge: number) => Math.max(1, edge + (edge % 2))
  const scaled =
    width >= height
      ? { width: longest, height: even(Math.trunc(longest / aspect)) }
      : { width: even(Math.trunc(longest * aspect)), height: longest }
  return capped(scaled)
}

function capped({ width, height }: Size): Size {
  const aspect = width / height
  if (width >= height && width > LONGEST)
    return { width: LONGEST, height: Math.max(1, Math.trunc(LONGEST / aspect)) }
  if (height > width && height > LONGEST)
    return { width: Math.max(1, Math.trunc(LONGEST * aspect)), height: LONGEST }
  return { width, height }
}

/** The nearest larger size of whole tiles; the aspect changes. */
export function wholeTiles({ width, height }: Size, tile: number): Size {
  const aspect = width / height
  const up = (edge: number) => Math.ceil(edge / tile) * tile
  if (width >= height) return { width: up(width), height: up(Math.trunc(up(width) / aspect)) }
  return { width: up(Math.trunc(up(height) * aspect)), height: up(height) }
}

/**
 * Makes the views. Each step resizes the 8-bit result of the step before: models were trained so.
 * @param at.longest edge before the split; undefined leaves the picture as it is
 * @param at.split   without it, the whole picture is the only view
 */
export function splitViews(
  image: RgbImage,
  {
    longest,
    tile,
    filter,
    split,
  }: { longest: number | undefined; tile: number; filter: ResizeFilter; split: boolean },
): SplitViews {
  const view = { width: tile, height: tile }
  const large = longest === undefined ? image : resize(image, longestEdge(image, longest), filter)
  if (!split) return { rows: 0, columns: 0, views: [resize(large, view, filter)] }
  const whole = resize(large, wholeTiles(large, tile), filter)
  if (whole.width === tile && whole.height === tile) return { rows: 0, columns: 0, views: [whole] }
  return {
    rows: whole.height / tile,
    columns: whole.width / tile,
    views: [...tiles(whole, view), resize(whole, view, filter)],
  }
}
