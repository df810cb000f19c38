/**
 * @file Qwen2VLImageProcessor: a picture keeps its aspect and, within limits, its size, and is
 * cut into patches.
 * @see specs/ar-vlms.md §3.3
 */

import { z } from 'zod'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import { MediaError } from './errors.ts'
import { type RgbImage, type Size, sizeText } from './image.ts'
import { normalise } from './normalise.ts'
import { CLIP_LEVELS, filterOf, parseSettings, pixelScale, settings } from './processors.ts'
import { resize } from './resize.ts'

/** How pixels become patches, and patches tokens. */
interface PatchLayout {
  /** Pixels of a patch's side. */
  readonly patch: number
  /** Patches of a token's side. */
  readonly merge: number
  /** Frames of a patch: a still picture is repeated. */
  readonly frames: number
}

export interface PatchProcessor {
  readonly layout: PatchLayout
  /**
   * @returns `[rows, columns, merge², 3·frames·patch²] f32`: tokens row by row, their patches row
   *   by row, values by channel, frame, y, x
   */
  patches(image: RgbImage): Tensor<'f32'>
}

export interface PatchProcessorOptions {
  /** The size that a picture is resized to; default `smartResize`. */
  readonly sizeOf?: typeof smartResize
  /** A step before the resize, for pictures that the processor would refuse. */
  readonly before?: (image: RgbImage, limits: PixelLimits) => RgbImage
}

export interface PixelLimits {
  /** Fewest and most pixels of the resized picture. */
  readonly min: number
  readonly max: number
}

/** Longer strips than this are refused, as in the reference. */
const MAX_ASPECT = 200

/**
 * Finds the size nearest to a picture's own whose sides are multiples of `factor`. It is moved into
 * the limits, and the aspect is kept as well as possible. As in the reference, halves are rounded
 * to even numbers, and a side may round to 0; the picture then counts as too small.
 * @throws MediaError `media/aspect`
 * @example smartResize({ width: 640, height: 480 }, 28, { min: 3136, max: 1003520 }) // { width:
 *   644, height: 476 }
 */
export function smartResize({ width, height }: Size, factor: number, { min, max }: PixelLimits): Size {
  checkAspect({ width, height })
  const near = { width: halfEven(width / factor) * factor, height: halfEven(height / factor) * factor }
  const pixels = near.width * near.height
  if (pixels > max) {
    const beta = Math.sqrt((height * width) / max)
    const shrunk = (side: number) => Math.max(factor, Math.floor(side / beta / factor) * factor)
    return { width: shrunk(width), height: shrunk(height) }
  }
  if (pixels < min) {
    const beta = Math.sqrt(min / (height * width))
    const grown = (side: number) => Math.ceil((side * beta) / factor) * factor
    return { width: grown(width), height: grown(height) }
  }
  return near
}

/** @throws MediaError `media/aspect` for a strip that the reference refuses */
export function checkAspect({ width, height }: Size): void {
  if (Math.max(width, height) / Math.min(width, height) <= MAX_ASPECT) return
  throw new MediaError('aspect', {
    message: `a picture of ${sizeText({ width, height })} pixels is longer than ${MAX_ASPECT} times its other side`,
    hint: 'The model refuses such strips: cut the picture.',
  })
}

/** Python's `round`. */
export function halfEven(x: number): number {
  const floor = Math.floor(x)
  return x - floor === 0.5 ? floor + (floor % 2) : Math.round(x)
}

const count = z.int().min(1)
const setting = (value: number) => count.nullish().transform((given) => given ?? value)
const patchSettings = z.looseObject({
  patch_size: setting(14),
  merge_size: setting(2),
  temporal_patch_size: setting(2),
  min_pixels: count.nullish(),
  max_pixels: count.nullish(),
  size: z.looseObject({ shortest_edge: count.nullish(), longest_edge: count.nullish() }).nullish(),
})
/** `size` has a form of its own here: pixels of the whole picture, whatever its keys say. */
const levelSettings = settings({ size: 1, ...CLIP_LEVELS })

/**
 * @param config the parsed `preprocessor_config.json`; older files say `min_pixels` and
 *   `max_pixels`, newer ones `size`
 * @throws MediaError `media/processor-config` naming the key, `media/resample`
 */
export function patchProcessor(
  config: unknown,
  { sizeOf = smartResize, before = (image) => image }: PatchProcessorOptions = {},
): PatchProcessor {
  const parsed = parseSettings(patchSettings, config)
  const shared = parseSettings(
    levelSettings,
    typeof config === 'object' ? { ...config, size: undefined } : config,
  )
  const layout = { patch: parsed.patch_size, merge: parsed.merge_size, frames: parsed.temporal_patch_size }
  const limits = {
    min: parsed.min_pixels ?? parsed.size?.shortest_edge ?? 56 * 56,
    max: parsed.max_pixels ?? parsed.size?.longest_edge ?? 28 * 28 * 1280,
  }
  const filter = filterOf(shared.resample)
  const levels = pixelScale(shared)
  const factor = layout.patch * layout.merge
  return {
    layout,
    patches(picture) {
      const image = before(picture, limits)
      const scaled = shared.do_resize ? resize(image, sizeOf(image, factor, limits), filter) : image
      if (scaled.width % factor === 0 && scaled.height % factor === 0)
        return cutPatches(normalise(scaled, levels), layout)
      throw new MediaError('patches', {
        message: `a picture of ${sizeText(scaled)} pixels cannot be cut into squares of ${factor}`,
        hint: 'The processor file turns resizing off: give pictures whose sides are multiples of that.',
      })
    },
  }
}

/** @param pixels `[3, height, width]` */
function cutPatches({ dims, data }: Tensor<'f32'>, { patch, merge, frames }: PatchLayout): Tensor<'f32'> {
  const [channels = 0, height = 0, width = 0] = dims
  const [rows, columns] = [height / patch / merge, width / patch / merge]
  const values = channels * frames * patch * patch
  const out = new Float32Array(rows * columns * merge * merge * values)
  let at = 0
  for (let cell = 0; cell < rows * columns; cell++) {
    for (let inner = 0; inner < merge * merge; inner++) {
      const top = (Math.floor(cell / columns) * merge + Math.floor(inner / merge)) * patch
      const left = ((cell % columns) * merge + (inner % merge)) * patch
      for (let channel = 0; channel < channels; channel++) {
        for (let frame = 0; frame < frames; frame++) {
          for (let y = 0; y < patch; y++) {
            const from = (channel * height + top + y) * width + left
            out.set(data.subarray(from, from + patch), at)
            at += patch
          }
        }
      }
    }
  }
  return f32([rows, columns, merge * merge, values], out)
}
