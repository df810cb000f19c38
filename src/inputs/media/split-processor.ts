/** @file Idefics3ImageProcessor and SmolVLMImageProcessor: `preprocessor_config.json` to views. */

import { z } from 'zod'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { RgbImage } from './image.ts'
import { normalise } from './normalise.ts'
import { filterOf, parseSettings, pixelScale, settings, side } from './processors.ts'
import { type SplitViews, splitViews } from './split.ts'

/** A picture's views as pixel values, `[3, tile, tile] f32` each. */
type SplitPixels = Pick<SplitViews, 'rows' | 'columns'> & { views: Tensor<'f32'>[] }

export interface SplitProcessor {
  /** A view's side in pixels. */
  readonly tile: number
  split(image: RgbImage): SplitPixels
}

/** The published tower's view, and four of them along the longer edge. */
const TILE = 364
const LONGEST = 4 * TILE

const longestSize = z.object({ longest_edge: side })
const splitSettings = z.looseObject({
  size: longestSize.nullish().transform((size) => size?.longest_edge ?? LONGEST),
  max_image_size: longestSize.nullish().transform((size) => size?.longest_edge ?? TILE),
  do_image_splitting: z
    .boolean()
    .nullish()
    .transform((on) => on ?? true),
})

/** `size` has a form of its own here. The filter is Lanczos where the file names none. */
const levelSettings = settings({ size: TILE, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], resample: 1 })

/**
 * @param config the parsed `preprocessor_config.json`
 * @throws MediaError `processor-config` naming the key, `resample`
 * @see specs/ar-vlms.md §5.5
 */
export function splitProcessor(config: unknown): SplitProcessor {
  const { size, max_image_size: tile, do_image_splitting: split } = parseSettings(splitSettings, config)
  const parsed = parseSettings(
    levelSettings,
    typeof config === 'object' ? { ...config, size: undefined } : config,
  )
  const filter = filterOf(parsed.resample)
  const levels = pixelScale(parsed)
  const longest = parsed.do_resize ? size : undefined
  return {
    tile,
    split(image) {
      const { rows, columns, views } = splitViews(image, { longest, tile, filter, split })
      return { rows, columns, views: views.map((view) => normalise(view, levels)) }
    },
  }
}
