/**
 * @file Small pictures in Dimple: its processor refuses a side below 28 pixels, so training and
 * evaluation gave every picture a step of their own first.
 * @see specs/diffusion-vlms-2.md, Dimple, "Small pictures"
 */

import type { RgbImage, Size } from '../../../inputs/media/image.ts'
import type { PixelLimits } from '../../../inputs/media/patch-processor.ts'
import { resize } from '../../../inputs/media/resize.ts'

/** A longer strip is cut to `CUT` times its shorter side. */
const LONGEST = 200
const CUT = 180

/**
 * Pictures with a side below `factor` go through the step of training; others stay as they are, as
 * in the published quick start. Each resize gives 8-bit levels.
 */
export function enlarged(image: RgbImage, factor: number, { min, max }: PixelLimits): RgbImage {
  if (Math.min(image.width, image.height) >= factor) return image
  let made = image
  const change = (wanted: boolean, { width, height }: Size) => {
    if (wanted) made = resize(made, { width, height }, 'bicubic')
  }
  const scaled = (pixels: number): Size => {
    const t = Math.sqrt(pixels / (made.width * made.height))
    return { width: Math.trunc(made.width * t), height: Math.trunc(made.height * t) }
  }
  change(made.width * made.height > max, scaled(max))
  change(made.width * made.height < min, scaled(min))
  change(Math.min(made.width, made.height) < factor, {
    width: Math.max(made.width, factor),
    height: Math.max(made.height, factor),
  })
  const { width, height } = made
  const long = CUT * Math.min(width, height)
  change(Math.max(width, height) / Math.min(width, height) > LONGEST, {
    width: Math.min(width, long),
    height: Math.min(height, long),
  })
  return made
}
