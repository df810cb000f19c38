/**
 * @file config.json of LLaVA-1.5 as its authors' code writes it: Llama's keys, flat, with `mm_…`
 * keys beside them.
 * @see specs/ar-vlms.md §1.2, §1.4
 */

import { z } from 'zod'
import { parseConfigWith, whole, withDefault } from '../config.ts'
import { LLAVA_DEFAULTS, type LlavaConfig, parseLlavaConfig } from '../llava/config.ts'

export interface LlavaOriginalConfig extends LlavaConfig {
  /** Pictures are laid on a square of the mean colour; else their middle is cut out. */
  readonly pad: boolean
  /** Positions of a spliced sequence, at most. */
  readonly maxLength: number
}

const family = 'llava-original'
const ANYRES =
  'must be pad or square; take tiles (anyres) from a repository in the layout of Hugging Face: llava-hf/llava-v1.6-…'

const schema = z.looseObject({
  mm_vision_tower: z.string(),
  /** The tower's sizes, where its name does not say them; the authors' code has no such key. */
  vision_config: z.record(z.string(), z.unknown()).nullish(),
  mm_hidden_size: whole.nullish(),
  mm_projector_type: z.literal('mlp2x_gelu'),
  mm_vision_select_layer: z.int(),
  mm_vision_select_feature: withDefault(z.enum(['patch', 'cls_patch']), 'patch'),
  mm_use_im_start_end: withDefault(z.literal(false), false),
  mm_use_im_patch_token: withDefault(z.literal(false), false),
  image_aspect_ratio: withDefault(z.enum(['pad', 'square'], ANYRES), 'square'),
  tokenizer_model_max_length: whole.nullish(),
})

/** Hugging Face's own layout has the same `model_type`, but none of these keys. */
export function isOriginalLlava(json: Readonly<Record<string, unknown>>): boolean {
  return (
    (json.model_type === 'llava' || json.model_type === 'llava_llama') &&
    typeof json.mm_projector_type === 'string'
  )
}

/** @throws FamilyError `family/config` */
export function parseLlavaOriginalConfig(json: Readonly<Record<string, unknown>>): LlavaOriginalConfig {
  const parsed = parseConfigWith(schema, json, `${family} config`)
  const tower = parsed.vision_config ?? towerCalled(parsed.mm_vision_tower)
  const known = z.object({
    mm_vision_tower: z.record(z.string(), z.unknown(), 'no tower of known sizes: give a vision_config'),
  })
  parseConfigWith(known, { mm_vision_tower: tower }, `${family} config`)
  const config = parseLlavaConfig(
    {
      vision_config: tower,
      text_config: { ...json, model_type: 'llama' },
      vision_feature_layer: parsed.mm_vision_select_layer,
      vision_feature_select_strategy: parsed.mm_vision_select_feature === 'patch' ? 'default' : 'full',
    },
    { family, ...LLAVA_DEFAULTS },
  )
  const width = z.object({
    mm_hidden_size: z
      .literal(config.vision.hidden, `must be the tower's width, ${config.vision.hidden}`)
      .nullish(),
  })
  parseConfigWith(width, { mm_hidden_size: parsed.mm_hidden_size }, `${family} config`)
  return {
    ...config,
    pad: parsed.image_aspect_ratio === 'pad',
    maxLength: Math.min(
      config.text.maxPositions,
      parsed.tokenizer_model_max_length ?? config.text.maxPositions,
    ),
  }
}

/** CLIP ViT-L/14, at 336 pixels or at 224. */
function towerCalled(name: string): Readonly<Record<string, unknown>> | undefined {
  const found = /clip-vit-large-patch14(-336)?$/.exec(name)
  return found === null
    ? undefined
    : { ...LLAVA_DEFAULTS.vision, image_size: found[1] === undefined ? 224 : 336 }
}
