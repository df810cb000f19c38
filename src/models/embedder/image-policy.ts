/**
 * @file The steps that an embedder takes with a picture before the checkpoint's own processor. All
 * resizing is Pillow's bicubic, as in the references.
 * @see specs/ar-vlms.md §8.1, §8.3; specs/vlm2vec-mmeb.md §3.2
 */

import { z } from 'zod'
import type { RgbImage } from '../../inputs/media/image.ts'
import { smartResize } from '../../inputs/media/patch-processor.ts'
import { resize } from '../../inputs/media/resize.ts'

const side = z.int().min(1)
const pixels = z.strictObject({ factor: side, minPixels: side, maxPixels: side })

export const imagePolicySchema = z.strictObject({
  /** As in the references; named so that a reader need not guess. */
  orientation: z.literal('ignored'),
  alpha: z.literal('dropped'),
  /** A picture with a side shorter than `below` becomes a square of `to` pixels. */
  enlarge: z.strictObject({ below: side, to: side }).optional(),
  /** A side shorter than this becomes this long; the other one stays. */
  least: side.optional(),
  /** Every picture gets exactly this size, whatever its aspect. */
  squash: z.strictObject({ width: side, height: side }).optional(),
  /**
   * Sides become multiples of `factor`, the number of pixels is brought between the limits: Qwen's
   * `smart_resize` with limits of the embedder's own.
   */
  limit: pixels.optional(),
  /**
   * The same before `limit`, where a wrapper resizes a picture and gives it to a processor with
   * limits of its own.
   */
  align: pixels.optional(),
})

export type ImagePolicy = z.infer<typeof imagePolicySchema>

/** Pictures go to the processor as they are. */
export const PLAIN_IMAGES = { orientation: 'ignored', alpha: 'dropped' } as const satisfies ImagePolicy

/** Limits of Qwen's `qwen-vl-utils` for a picture that comes without any. */
export const QWEN_ALIGN = { factor: 28, minPixels: 4 * 28 * 28, maxPixels: 16384 * 28 * 28 } as const

/**
 * In this order: enlarge, least, squash, align, limit.
 * @throws MediaError `media/aspect` for a strip that the limits cannot be met with
 */
export function applyImagePolicy(
  image: RgbImage,
  { enlarge, least = 1, squash, align, limit }: ImagePolicy,
): RgbImage {
  const tiny = enlarge !== undefined && Math.min(image.width, image.height) < enlarge.below
  const large = tiny ? resize(image, { width: enlarge.to, height: enlarge.to }, 'bicubic') : image
  const sides = { width: Math.max(large.width, least), height: Math.max(large.height, least) }
  const thin = Math.min(large.width, large.height) < least
  const long = thin ? resize(large, sides, 'bicubic') : large
  const square = squash === undefined ? long : resize(long, squash, 'bicubic')
  return within(within(square, align), limit)
}

function within(image: RgbImage, limit: ImagePolicy['limit']): RgbImage {
  if (limit === undefined) return image
  const { factor, minPixels: min, maxPixels: max } = limit
  return resize(image, smartResize(image, factor, { min, max }), 'bicubic')
}
