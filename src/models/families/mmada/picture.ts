/** @file A picture to the square that the image tokenizer sees. @see specs/mmada.md §3.1 */

import type { Tensor } from '../../../foundation/numeric/tensor.ts'
import type { Colour, RgbImage, Size } from '../../../inputs/media/image.ts'
import { normalise } from '../../../inputs/media/normalise.ts'
import { padTo, padToSquare } from '../../../inputs/media/pad.ts'
import { resize } from '../../../inputs/media/resize.ts'
import type { ImageFit } from './config.ts'

const WHITE: Colour = [255, 255, 255]
const BLACK: Colour = [0, 0, 0]

/** Pillow's 8-bit bicubic: part of the model. */
const FILTER = 'bicubic'

/**
 * `crop`: the shorter side becomes `side`, the middle is cut out. `squash`: whatever the aspect.
 * `pad`: laid on a white square first.
 * @returns `[3, side, side] f32` from −1 to 1
 */
export function mmadaPixels(image: RgbImage, side: number, fit: ImageFit): Tensor<'f32'> {
  const square = { width: side, height: side }
  const fitted = {
    crop: () => middle(resize(image, shorterSide(image, side), FILTER), square),
    squash: () => resize(image, square, FILTER),
    pad: () => resize(padToSquare(image, WHITE), square, FILTER),
  }[fit]()
  return normalise(fitted, { rescaleFactor: 1 / 255, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] })
}

/** The longer side is cut to a whole number, as torchvision does it. */
export function shorterSide({ width, height }: Size, side: number): Size {
  return width <= height
    ? { width: side, height: Math.trunc((side * height) / width) }
    : { width: Math.trunc((side * width) / height), height: side }
}

/**
 * Offsets are rounded, halves to even, as Python's `round` does in torchvision's crop: 515 → 512
 * cuts 2 pixels at the left, 513 → 512 none.
 */
function middle(image: RgbImage, to: Size): RgbImage {
  return padTo(image, to, BLACK, {
    left: -halfToEven(image.width - to.width),
    top: -halfToEven(image.height - to.height),
  })
}

/** Half of a whole number, rounded to even. */
export function halfToEven(whole: number): number {
  const down = Math.floor(whole / 2)
  return whole % 2 === 0 || down % 2 === 0 ? down : down + 1
}
