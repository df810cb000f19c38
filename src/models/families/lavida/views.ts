/**
 * @file A picture to the views that the tower sees, and the order in which their tokens enter the
 * sequence.
 * @see specs/lavida.md §4.2, §4.5
 */

import type { Tensor } from '../../../foundation/numeric/tensor.ts'
import { anyresViews, bestResolution, unpadded } from '../../../inputs/media/anyres.ts'
import type { Colour, RgbImage, Size } from '../../../inputs/media/image.ts'
import { normalise } from '../../../inputs/media/normalise.ts'
import { padToSquare } from '../../../inputs/media/pad.ts'
import { resize } from '../../../inputs/media/resize.ts'
import { hasNewline, type LavidaConfig, tokenSide } from './config.ts'

const GREY: Colour = [127, 127, 127]

/** Pillow's default filter, 8-bit between two resizes: part of the model. */
const FILTER = 'bicubic'

/**
 * Thumbnail and tiles row by row (`anyres`), or the one view.
 * @returns `[3, side, side] f32` each, from −1 to 1
 */
export function lavidaViews(
  image: RgbImage,
  { aspect, grids, vision }: Pick<LavidaConfig, 'aspect' | 'grids' | 'vision'>,
): Tensor<'f32'>[] {
  const tile = { width: vision.image, height: vision.image }
  const views =
    aspect === 'anyres'
      ? anyresViews(image, { grids, tile, filter: FILTER })
      : [resize(aspect === 'pad' ? padToSquare(image, GREY) : image, tile, FILTER)]
  return views.map((view) => normalise(view, { rescaleFactor: 1 / 255, mean: vision.mean, std: vision.std }))
}

/**
 * The tokens of one picture in order: rows of its own views' tokens, view by view and row-major;
 * `newline` is the newline vector.
 */
export type VisualToken = number | 'newline'

/**
 * First the thumbnail's tokens, then the tiles': joined to one map (`spatial`), the padding removed
 * and a newline after each row (`spatial_unpad`), or as they are (`flat`). One view alone is
 * followed by one newline where there are newlines.
 * @param original size of the picture
 */
export function visualTokens(original: Size, config: LavidaConfig): VisualToken[] {
  const side = tokenSide(config)
  const base: VisualToken[] = Array.from({ length: side * side }, (_, i) => i)
  const newline: VisualToken[] = hasNewline(config) ? ['newline'] : []
  if (config.aspect !== 'anyres') return [...base, ...newline]
  const grid = bestResolution(original, config.grids)
  const [columns, rows] = [grid.width / config.vision.image, grid.height / config.vision.image]
  if (config.merge === 'flat') return Array.from({ length: side * side * (1 + columns * rows) }, (_, i) => i)
  const map = { width: side * columns, height: side * rows }
  const kept =
    config.merge === 'spatial_unpad' ? unpadded(original, map, 'truncate') : { left: 0, top: 0, ...map }
  const tokens = base
  for (let y = kept.top; y < kept.top + kept.height; y++) {
    for (let x = kept.left; x < kept.left + kept.width; x++) {
      const view = 1 + Math.floor(y / side) * columns + Math.floor(x / side)
      tokens.push(view * side * side + (y % side) * side + (x % side))
    }
    tokens.push(...newline)
  }
  return tokens
}
