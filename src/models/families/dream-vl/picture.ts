/** @file Sizes of pictures in Dream-VL's processor, which takes small ones too. */

import { MediaError } from '../../../inputs/media/errors.ts'
import { type Size, sizeText } from '../../../inputs/media/image.ts'
import { checkAspect, halfEven, type PixelLimits } from '../../../inputs/media/patch-processor.ts'

/**
 * The size that a picture is resized to. A side below `factor` counts as scaled up to it, the
 * aspect kept, before the usual rounding; nothing then limits the aspect.
 * @throws MediaError `media/aspect` for a strip that would get a side of 0, and for one above 1:200
 *   whose sides are large
 * @see specs/diffusion-vlms-2.md, Dream-VL, Pictures
 */
export function dreamSize(size: Size, factor: number, { min, max }: PixelLimits): Size {
  const small = Math.min(size.width, size.height) < factor
  if (!small) checkAspect(size)
  const { width, height } = small ? scaledUp(size, factor) : size
  const near = { width: halfEven(width / factor) * factor, height: halfEven(height / factor) * factor }
  const pixels = near.width * near.height
  if (pixels > max) {
    const beta = Math.sqrt((height * width) / max)
    const shrunk = (side: number) => Math.floor(side / beta / factor) * factor
    const found = { width: shrunk(width), height: shrunk(height) }
    if (found.width > 0 && found.height > 0) return found
    throw new MediaError('aspect', {
      message: `a picture of ${sizeText(size)} pixels is so long that nothing is left of its other side`,
      hint: 'The model refuses such strips: cut the picture.',
    })
  }
  if (pixels < min) {
    const beta = Math.sqrt(min / (height * width))
    const grown = (side: number) => Math.ceil((side * beta) / factor) * factor
    return { width: grown(width), height: grown(height) }
  }
  return near
}

function scaledUp({ width, height }: Size, factor: number): Size {
  return height < width
    ? { height: factor, width: halfEven((width / height) * factor) }
    : { width: factor, height: halfEven((height / width) * factor) }
}
