/** @file Laying a picture on a canvas of one colour. */

import { type Colour, checkArea, type RgbImage, type Size } from './image.ts'

/** Where the picture's first pixel lies on the canvas; negative when it lies outside. */
export interface Offset {
  readonly left: number
  readonly top: number
}

/**
 * Lays `image` on a canvas filled with `colour`; what lies outside the canvas is cut off.
 * @param at default: the middle, an odd pixel left over at the bottom or right
 * @returns `[size.height, size.width, 3] u8`
 */
export function padTo(
  image: RgbImage,
  size: Size,
  colour: Colour,
  at: Offset = middle(image, size),
): RgbImage {
  const data = canvas(size, colour)
  const left = Math.max(0, at.left)
  const right = Math.min(size.width, at.left + image.width)
  const bottom = Math.min(size.height, at.top + image.height)
  for (let y = Math.max(0, at.top); y < bottom && left < right; y++) {
    const source = ((y - at.top) * image.width + left - at.left) * 3
    data.set(image.data.subarray(source, source + (right - left) * 3), (y * size.width + left) * 3)
  }
  return { width: size.width, height: size.height, data }
}

/**
 * Laid in the middle of the smallest square that holds it (LLaVA's and LaViDa's `pad` mode).
 * @throws MediaError `media/aspect`
 */
export function padToSquare(image: RgbImage, colour: Colour): RgbImage {
  const side = Math.max(image.width, image.height)
  checkArea({ width: side, height: side }, image)
  return padTo(image, { width: side, height: side }, colour)
}

function middle(image: Size, size: Size): Offset {
  return {
    left: Math.floor((size.width - image.width) / 2),
    top: Math.floor((size.height - image.height) / 2),
  }
}

function canvas({ width, height }: Size, [red, green, blue]: Colour): Uint8Array {
  const data = new Uint8Array(width * height * 3)
  if (red === green && green === blue) return data.fill(red)
  for (let i = 0; i < data.length; i += 3) {
    data[i] = red
    data[i + 1] = green
    data[i + 2] = blue
  }
  return data
}
