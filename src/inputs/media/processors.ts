/**
 * @file Picture processors as published: `preprocessor_config.json` of Hugging Face to a function
 * from a picture to pixel values. Missing keys take the defaults of the class that the file names,
 * as transformers does.
 * @see specs/ar-vlms.md §1.4, §6.3, §7.3
 */

import { z } from 'zod'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { centreCrop } from './crop.ts'
import { MediaError } from './errors.ts'
import type { RgbImage, Size } from './image.ts'
import { normalise, type PerChannel, type PixelScale } from './normalise.ts'
import { type ResizeFilter, resize } from './resize.ts'

/** A picture to `[3, height, width] f32`. */
export type ImageProcessor = (image: RgbImage) => Tensor<'f32'>

/** Pixels of an edge. */
export const side = z.int().min(1).max(16384)
const exactSize = z.object({ height: side, width: side })
const sizeSetting = z.union([side, exactSize, z.object({ shortest_edge: side })])
const perChannel = z.tuple([z.number(), z.number(), z.number()])

/**
 * Pillow's filter numbers; 0 (nearest) and 5 (Hamming) are used by no published processor of these
 * families.
 */
const filters: ReadonlyMap<number, ResizeFilter> = new Map([
  [1, 'lanczos'],
  [2, 'bilinear'],
  [3, 'bicubic'],
  [4, 'box'],
])

/**
 * The keys that matter, shared by all classes; `null` means absent. Files carry many more (class
 * names, device settings).
 */
export function settings(defaults: {
  size: z.infer<typeof sizeSetting>
  mean: PerChannel
  std: PerChannel
  resample?: number
}) {
  const mutable = (values: PerChannel): [number, number, number] => [...values]
  const flag = z
    .boolean()
    .nullish()
    .transform((on) => on ?? true)
  return z.looseObject({
    do_resize: flag,
    size: sizeSetting.nullish().transform((size) => size ?? defaults.size),
    resample: z
      .int()
      .nullish()
      .transform((id) => id ?? defaults.resample ?? 3),
    do_center_crop: flag,
    crop_size: z
      .union([side, exactSize])
      .nullish()
      .transform((size) => size ?? 224),
    do_rescale: flag,
    rescale_factor: z
      .number()
      .positive()
      .nullish()
      .transform((factor) => factor ?? 1 / 255),
    do_normalize: flag,
    image_mean: perChannel.nullish().transform((mean) => mean ?? mutable(defaults.mean)),
    image_std: perChannel
      .refine((std) => std.every((value) => value > 0), 'must be above 0')
      .nullish()
      .transform((std) => std ?? mutable(defaults.std)),
  })
}

/** Mean and deviation of CLIP's training pictures. */
export const CLIP_LEVELS: { readonly mean: PerChannel; readonly std: PerChannel } = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
}

export const clipSettings = settings({ size: { shortest_edge: 224 }, ...CLIP_LEVELS })

const siglipSettings = settings({
  size: { height: 224, width: 224 },
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
})

export type ProcessorSettings = z.infer<typeof clipSettings>

/**
 * CLIPImageProcessor: shortest edge to `size`, the middle cut out, scaled, normalised. A plain
 * number as `size` means the shortest edge.
 * @param config the parsed `preprocessor_config.json`
 * @throws MediaError `processor-config` naming the key, `resample` for a filter that we do not have
 * @example const pixels = clipProcessor(JSON.parse(text))(await decodeImage('cat.png')) // [3, 336,
 *   336]
 */
export function clipProcessor(config: unknown): ImageProcessor {
  const parsed = parseSettings(clipSettings, config)
  const scaled = resizer(parsed, (image, edge) => shortestEdge(image, edge))
  const crop = typeof parsed.crop_size === 'number' ? square(parsed.crop_size) : parsed.crop_size
  const levels = pixelScale(parsed)
  return (image) => normalise(parsed.do_center_crop ? centreCrop(scaled(image), crop) : scaled(image), levels)
}

/**
 * SiglipImageProcessor: squashed to `size` whatever the aspect, scaled, normalised. A plain number
 * as `size` means a square.
 * @param config the parsed `preprocessor_config.json`
 * @throws MediaError as `clipProcessor`
 */
export function siglipProcessor(config: unknown): ImageProcessor {
  const parsed = parseSettings(siglipSettings, config)
  if (typeof parsed.size === 'object' && 'shortest_edge' in parsed.size) {
    throw badConfig('size: a SigLIP processor needs height and width, got shortest_edge')
  }
  const scaled = resizer(parsed, (_, edge) => square(edge))
  const levels = pixelScale(parsed)
  return (image) => normalise(scaled(image), levels)
}

/** @throws MediaError `processor-config` naming the key */
export function parseSettings<T>(schema: z.ZodType<T>, config: unknown): T {
  const result = schema.safeParse(config)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw badConfig(
    issue === undefined ? 'not an object' : `${issue.path.join('.') || 'file'}: ${issue.message}`,
  )
}

/** @throws MediaError `resample` for a filter that we do not have */
export function filterOf(resample: number): ResizeFilter {
  const filter = filters.get(resample)
  if (filter !== undefined) return filter
  throw new MediaError('resample', {
    message: `preprocessor_config.json: expected resample 1 (lanczos), 2 (bilinear), 3 (bicubic) or 4 (box), got ${resample}`,
    hint: 'Is this the preprocessor file of a CLIP or SigLIP tower?',
  })
}

function resizer(
  { do_resize, size, resample }: ProcessorSettings,
  fromEdge: (image: Size, edge: number) => Size,
): (image: RgbImage) => RgbImage {
  const filter = filterOf(resample)
  if (!do_resize) return (image) => image
  return (image) => {
    if (typeof size === 'number') return resize(image, fromEdge(image, size), filter)
    return resize(image, 'shortest_edge' in size ? shortestEdge(image, size.shortest_edge) : size, filter)
  }
}

/** The long side is cut to a whole number, not rounded: `int(edge · long / short)`. */
function shortestEdge({ width, height }: Size, edge: number): Size {
  return width <= height
    ? { width: edge, height: Math.trunc((edge * height) / width) }
    : { width: Math.trunc((edge * width) / height), height: edge }
}

function square(edge: number): Size {
  return { width: edge, height: edge }
}

/** Scaling and normalisation, each where the file turns it on. */
export function pixelScale(parsed: ProcessorSettings): PixelScale {
  return {
    rescaleFactor: parsed.do_rescale ? parsed.rescale_factor : 1,
    mean: parsed.do_normalize ? parsed.image_mean : [0, 0, 0],
    std: parsed.do_normalize ? parsed.image_std : [1, 1, 1],
  }
}

export function badConfig(what: string): MediaError {
  return new MediaError('processor-config', {
    message: `preprocessor_config.json: ${what}`,
    hint: 'Take the file as it was published beside the weights.',
  })
}
