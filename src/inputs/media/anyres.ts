/**
 * @file "Any resolution" views: a thumbnail and the tiles of the grid that suits the picture best
 * (LLaVA-NeXT, OneVision, LaViDa). The three families choose the grid, fit the picture and cut it
 * alike. They differ in how they remove the padding from the feature map.
 * @see specs/lavida.md §4.2, §4.5; specs/ar-vlms.md §1.5, §1.6
 */

import { MediaError } from './errors.ts'
import type { Colour, RgbImage, Size } from './image.ts'
import { padTo } from './pad.ts'
import { type ResizeFilter, resize } from './resize.ts'
import { tiles } from './tile.ts'

const BLACK: Colour = [0, 0, 0]

/**
 * Finds the grid that keeps most of the picture's pixels. On a tie it takes the one with the least
 * empty area, then the first.
 * @param grids in pixels, in the order of the config. LaViDa lists (width, height), transformers
 *   (height, width)
 * @throws MediaError `grids` when there is none
 */
export function bestResolution(original: Size, grids: readonly Size[]): Size {
  let best: { grid: Size; kept: number; waste: number } | undefined
  for (const grid of grids) {
    const scale = Math.min(grid.width / original.width, grid.height / original.height)
    const scaled = Math.trunc(original.width * scale) * Math.trunc(original.height * scale)
    const kept = Math.min(scaled, original.width * original.height)
    const waste = grid.width * grid.height - kept
    if (best === undefined || kept > best.kept || (kept === best.kept && waste < best.waste))
      best = { grid, kept, waste }
  }
  if (best === undefined) {
    throw new MediaError('grids', {
      message: 'there is no grid to choose from',
      hint: 'image_grid_pinpoints in config.json must list at least one size.',
    })
  }
  return best.grid
}

/**
 * The largest size of the same aspect that fits into `box` (it enlarges too); the free side is
 * rounded up.
 */
export function fitInside(original: Size, box: Size): Size {
  const byWidth = box.width / original.width
  const byHeight = box.height / original.height
  return byWidth < byHeight
    ? { width: box.width, height: Math.min(Math.ceil(original.height * byWidth), box.height) }
    : { width: Math.min(Math.ceil(original.width * byHeight), box.width), height: box.height }
}

/** The part of a feature map that shows the picture and not its padding. */
export interface KeptCells extends Size {
  readonly left: number
  readonly top: number
}

/**
 * Finds the cells of a feature map that show the picture. The kept side is `side − 2 · ⌊(side −
 * unpadded) / 2⌋`. It may be one more than the exact size, and none at all for a picture much
 * narrower than a cell.
 * @param map      in cells
 * @param rounding of the exact side to whole cells: `truncate` (LaViDa) or `digits7` (transformers
 *   ≥ 4.48: to seven digits, then truncate)
 */
export function unpadded(original: Size, map: Size, rounding: 'truncate' | 'digits7'): KeptCells {
  const whole = (side: number) => Math.trunc(rounding === 'digits7' ? Number(side.toFixed(7)) : side)
  if (original.width / original.height > map.width / map.height) {
    const top = Math.floor((map.height - whole(original.height * (map.width / original.width))) / 2)
    return { left: 0, top, width: map.width, height: map.height - 2 * top }
  }
  const left = Math.floor((map.width - whole(original.width * (map.height / original.height))) / 2)
  return { left, top: 0, width: map.width - 2 * left, height: map.height }
}

/**
 * Makes the views of a picture: first the whole picture squashed to one tile, then the tiles of its
 * best grid, row by row. The picture is fitted into the grid and padded with black.
 * @param tile size of a view: that of the vision tower
 */
export function anyresViews(
  image: RgbImage,
  at: { grids: readonly Size[]; tile: Size; filter: ResizeFilter },
): RgbImage[] {
  const grid = bestResolution(image, at.grids)
  const fitted = padTo(resize(image, fitInside(image, grid), at.filter), grid, BLACK)
  return [resize(image, at.tile, at.filter), ...tiles(fitted, at.tile)]
}
