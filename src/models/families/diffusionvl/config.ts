/**
 * @file config.json of DiffusionVL: Qwen2.5-VL's keys, nested and at the top level, and those of
 * training by blocks.
 * @see specs/diffusion-vlms.md, DiffusionVL
 */

import { z } from 'zod'
import { parseConfigWith, whole, withDefault } from '../config.ts'
import { parseQwenVlConfig, type QwenVlConfig } from '../qwen-vl/config.ts'

export interface DiffusionVlConfig extends Pick<QwenVlConfig, 'vision' | 'text' | 'tied'> {
  /** Positions of a block. */
  readonly block: number
  readonly maskId: number
  /** Null in files that the published class wrote: the tokenizer says it then. */
  readonly imageTokenId: number | undefined
  /** Instead of those in the processor's file, as the repository's loader does. */
  readonly limits: { readonly min_pixels: number | undefined; readonly max_pixels: number | undefined }
  /** Positions of a sequence with pictures. */
  readonly maxLength: number
}

/** Behind the tokenizer's last token, a row that no text gives; the published code has it fixed. */
const MASK_ID = 151_671

const schema = z.looseObject({
  bd3lm_block_size: withDefault(whole, 4),
  enable_bd3lm: withDefault(z.literal(true), true),
  mask_token_id: withDefault(z.int().min(0), MASK_ID),
  image_token_id: z.int().min(0).nullish(),
  min_pixels: whole.max(1e9).nullish(),
  max_pixels: whole.max(1e9).nullish(),
  tokenizer_model_max_length: whole.nullish(),
})

/** @throws FamilyError `family/config` */
export function parseDiffusionVlConfig(json: Readonly<Record<string, unknown>>): DiffusionVlConfig {
  const own = parseConfigWith(schema, json, 'diffusionvl config')
  const { vision, text, tied } = parseQwenVlConfig(json, 'qwen2.5-vl', 'diffusionvl')
  return {
    vision,
    text,
    tied,
    block: own.bd3lm_block_size,
    maskId: own.mask_token_id,
    imageTokenId: own.image_token_id ?? undefined,
    limits: { min_pixels: own.min_pixels ?? undefined, max_pixels: own.max_pixels ?? undefined },
    maxLength: Math.min(text.maxPositions, own.tokenizer_model_max_length ?? text.maxPositions),
  }
}
