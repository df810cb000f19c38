/**
 * @file config.json of SDAR-VL: LLaVA-OneVision's keys around a decoder of its own.
 * @see specs/diffusion-vlms.md, SDAR-VL
 */

import { z } from 'zod'
import { parseConfigWith, whole, withDefault } from '../config.ts'
import { type LlavaOnevisionConfig, parseLlavaOnevisionConfig } from '../llava-onevision/config.ts'

export interface SdarVlConfig extends LlavaOnevisionConfig {
  /** Positions of a block. */
  readonly block: number
  readonly maskId: number
}

/** Defaults of the published class; `block_size` and `mask_token_id` have none. */
const textDefaults = {
  hidden_size: 4096,
  intermediate_size: 22_016,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  head_dim: 128,
  rms_norm_eps: 1e-6,
  rope_theta: 1e4,
  vocab_size: 151_936,
  max_position_embeddings: 32_768,
}

const schema = z.looseObject({
  text_config: z.looseObject({
    model_type: withDefault(z.literal('sdar'), 'sdar'),
    block_size: whole,
    mask_token_id: z.int().min(0),
    attention_bias: withDefault(z.literal(false), false),
  }),
})

/** @throws FamilyError `family/config` */
export function parseSdarVlConfig(json: Readonly<Record<string, unknown>>): SdarVlConfig {
  const { text_config: text } = parseConfigWith(schema, json, 'sdar-vl config')
  const given = Object.entries(text).filter(([, value]) => value !== null && value !== undefined)
  // Llama's keys and layers, with a norm on each head of queries and keys.
  const asLlama = { ...textDefaults, ...Object.fromEntries(given), model_type: 'llama' }
  const config = parseLlavaOnevisionConfig({ ...json, text_config: asLlama }, 'sdar-vl')
  return {
    ...config,
    text: { ...config.text, headNorm: true },
    block: text.block_size,
    maskId: text.mask_token_id,
  }
}
