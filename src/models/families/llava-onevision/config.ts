/**
 * @file config.json of LLaVA-OneVision: LLaVA-NeXT's keys with a SigLIP tower, Qwen2 and a bound on
 * a picture's tokens.
 */

import { z } from 'zod'
import { parseConfigWith, withDefault } from '../config.ts'
import { type LlavaNextConfig, parseAnyresConfig } from '../llava-next/config.ts'

export interface LlavaOnevisionConfig extends LlavaNextConfig {
  /**
   * The tiles of a picture keep at most so many views' tokens, give or take a tenth: larger maps
   * are scaled down.
   */
  readonly maxTiles: number
}

/** LlavaOnevisionConfig's own tower: SigLIP so400m at 384 pixels without its last layer. */
const VISION = {
  model_type: 'siglip_vision_model',
  hidden_size: 1152,
  intermediate_size: 4304,
  num_hidden_layers: 26,
  num_attention_heads: 16,
  image_size: 384,
  patch_size: 14,
} as const

const SIDES = [384, 768, 1152, 1536, 1920, 2304]
const GRIDS = SIDES.flatMap((height) => SIDES.map((width): [number, number] => [height, width]))

const schema = z.looseObject({
  vision_aspect_ratio: withDefault(
    z.string().regex(/^anyres_max_[1-9]\d*$/, 'must be anyres_max_ and a number'),
    'anyres_max_9',
  ),
})

/**
 * @param family its name, for messages
 * @throws FamilyError `family/config`
 */
export function parseLlavaOnevisionConfig(json: unknown, family = 'llava-onevision'): LlavaOnevisionConfig {
  const { vision_aspect_ratio: aspect } = parseConfigWith(schema, json, `${family} config`)
  const defaults = {
    family,
    imageTokenId: 151_646,
    select: 'full',
    layer: -1,
    vision: VISION,
    text: 'qwen2',
  } as const
  return { ...parseAnyresConfig(json, defaults, GRIDS), maxTiles: Number(aspect.replace('anyres_max_', '')) }
}
