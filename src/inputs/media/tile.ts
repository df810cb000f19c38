/** @file Cutting a picture into equal tiles. */

import { MediaError } from './errors.ts'
import { type RgbImage, type Size, sizeText } from './image.ts'
import { padTo } from './pad.ts'

/**
 * Tiles of one size, row by row.
 * @returns `(height / tile.height) · (width / tile.width)` pictures
 * @throws MediaError `tiles` when the tiles do not fill the picture
 */
export function tiles(image: RgbImage, tile: Size): RgbImage[] {
  if (image.width % tile.width !== 0 || image.height % tile.height !== 0) {
    throw new MediaError('tiles', {
      message: `a picture of ${sizeText(image)} pixels cannot be cut into tiles of ${sizeText(tile)}`,
      hint: 'Every entry of image_grid_pinpoints must be a multiple of the image size of the vision tower.',
    })
  }
  const cut: RgbImage[] = []
  for (let top = 0; top < image.height; top += tile.height) {
    for (let left = 0; left < image.width; left += tile.width)
      cut.push(padTo(image, tile, [0, 0, 0], { left: -left, top: -top }))
  }
  return cut
}
