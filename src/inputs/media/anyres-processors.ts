/**
 * @file Picture processors that give several views: LlavaNextImageProcessor and
 * LlavaOnevisionImageProcessor.
 * @see specs/ar-vlms.md §1.5, §2.4
 */

import { z } from 'zod'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { anyresViews } from './anyres.ts'
import type { Colour, RgbImage, Size } from './image.ts'
import { normalise } from './normalise.ts'
import { padToSquare } from './pad.ts'
import {
  badConfig,
  CLIP_LEVELS,
  clipSettings,
  filterOf,
  type ProcessorSettings,
  parseSettings,
  pixelScale,
  settings,
  side,
} from './processors.ts'
import { resize } from './resize.ts'

/** A picture to views of one size. */
export interface AnyresProcessor {
  /** In pixels, in the order of the file. */
  readonly grids: readonly Size[]
  /** A view's side in pixels. */
  readonly tile: number
  /** The thumbnail, then the tiles of the best grid row by row. `[3, tile, tile] f32` each. */
  tiled(image: RgbImage): Tensor<'f32'>[]
  /**
   * OneVision's view of a picture among several: padded to a square with the mean colour.
   * `[3, tile, tile] f32`
   */
  whole(image: RgbImage): Tensor<'f32'>
}

const gridSettings = z.looseObject({
  image_grid_pinpoints: z
    .array(z.tuple([side, side]))
    .min(1)
    .nullish(),
})

const onevisionSettings = settings({ size: { height: 384, width: 384 }, ...CLIP_LEVELS })

/**
 * LlavaNextImageProcessor. Its crop to `crop_size` is left out: views have that size already.
 * @param config the parsed `preprocessor_config.json`
 * @param grids  those of config.json, for a file without `image_grid_pinpoints`
 * @throws MediaError `processor-config` naming the key, `resample`
 */
export function llavaNextProcessor(config: unknown, grids: readonly Size[]): AnyresProcessor {
  const parsed = parseSettings(clipSettings, config)
  const tile = squareSide(parsed)
  const crop =
    typeof parsed.crop_size === 'number'
      ? { width: parsed.crop_size, height: parsed.crop_size }
      : parsed.crop_size
  if (crop.width !== tile || crop.height !== tile)
    throw badConfig(`crop_size: views of ${tile} pixels must be cropped to that size`)
  return anyresProcessor(config, parsed, tile, grids)
}

/**
 * LlavaOnevisionImageProcessor. Its default levels are CLIP's, not those of the SigLIP tower.
 * Parameters as for `llavaNextProcessor`.
 */
export function llavaOnevisionProcessor(config: unknown, grids: readonly Size[]): AnyresProcessor {
  const parsed = parseSettings(onevisionSettings, config)
  return anyresProcessor(config, parsed, squareSide(parsed), grids)
}

function anyresProcessor(
  config: unknown,
  parsed: ProcessorSettings,
  tile: number,
  fallback: readonly Size[],
): AnyresProcessor {
  const { image_grid_pinpoints: pinpoints } = parseSettings(gridSettings, config)
  const grids = pinpoints?.map(([height, width]) => ({ width, height })) ?? fallback
  const filter = filterOf(parsed.resample)
  const levels = pixelScale(parsed)
  const square = { width: tile, height: tile }
  const [red, green, blue] = parsed.image_mean.map((mean) => Math.trunc(mean * 255))
  const colour: Colour = [red ?? 0, green ?? 0, blue ?? 0]
  return {
    grids,
    tile,
    tiled: (image) =>
      anyresViews(image, { grids, tile: square, filter }).map((view) => normalise(view, levels)),
    whole: (image) => normalise(resize(padToSquare(image, colour), square, filter), levels),
  }
}

function squareSide({ size }: ProcessorSettings): number {
  if (typeof size === 'number') return size
  if ('shortest_edge' in size) return size.shortest_edge
  if (size.width === size.height) return size.width
  throw badConfig(`size: views must be square, got ${size.width}×${size.height}`)
}
