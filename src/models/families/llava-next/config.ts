/** @file config.json of LLaVA-NeXT: LLaVA's keys, and the grids that a picture is cut by. */

import { z } from 'zod'
import type { Size } from '../../../inputs/media/image.ts'
import { parseConfigWith, whole } from '../config.ts'
import { LLAVA_DEFAULTS, type LlavaConfig, type LlavaDefaults, parseLlavaConfig } from '../llava/config.ts'
import { tokensPerView } from '../llava/model.ts'
import { patchCount } from '../towers/clip-vision.ts'

export interface LlavaNextConfig extends LlavaConfig {
  /** In pixels, in the order of the file. */
  readonly grids: readonly Size[]
}

/** LlavaNextConfig's own grids; sides as height, width. */
const GRIDS: [number, number][] = [
  [336, 672],
  [672, 336],
  [672, 672],
  [1008, 336],
  [336, 1008],
]

/** @throws FamilyError `family/config` */
export function parseLlavaNextConfig(json: unknown): LlavaNextConfig {
  return parseAnyresConfig(json, { family: 'llava-next', ...LLAVA_DEFAULTS }, GRIDS)
}

/**
 * LLaVA's config with grids.
 * @param fallback grids where the file has none, as (height, width)
 * @throws FamilyError `family/config` also for grids that are no whole tiles, and for a choice of
 *   features that is no full map
 */
export function parseAnyresConfig(
  json: unknown,
  defaults: LlavaDefaults,
  fallback: readonly [number, number][],
): LlavaNextConfig {
  const config = parseLlavaConfig(json, defaults)
  const { image } = config.vision
  const side = whole.refine((pixels) => pixels % image === 0, `must be a multiple of image_size, ${image}`)
  const pinpoints = z.looseObject({
    image_grid_pinpoints: z
      .array(z.tuple([side, side]))
      .min(1)
      .nullish(),
  })
  const { image_grid_pinpoints: listed } = parseConfigWith(pinpoints, json, `${defaults.family} config`)
  // Views are joined to one map, so a token that is no patch (or a patch that is dropped) has no
  // place in it.
  const tokens = z.literal(
    patchCount(config.vision),
    `must leave the ${patchCount(config.vision)} patches of a view`,
  )
  parseConfigWith(
    z.object({ vision_feature_select_strategy: tokens }),
    { vision_feature_select_strategy: tokensPerView(config) },
    defaults.family,
  )
  return { ...config, grids: (listed ?? fallback).map(([height, width]) => ({ width, height })) }
}
