/** @file Cutting the middle out of a picture. */

import type { Colour, RgbImage, Size } from './image.ts'
import { padTo } from './pad.ts'

const BLACK: Colour = [0, 0, 0]

/**
 * The middle of a picture; where the picture is smaller than `size`, black on both sides. An odd
 * pixel is cut at the bottom or right, and padded at the top or left, as `center_crop` of
 * transformers does: the offset is ⌊(side − size) / 2⌋ for either sign.
 * @returns `[size.height, size.width, 3] u8`
 */
export function centreCrop(image: RgbImage, size: Size): RgbImage {
  return padTo(image, size, BLACK, {
    left: -Math.floor((image.width - size.width) / 2),
    top: -Math.floor((image.height - size.height) / 2),
  })
}
