/**
 * @file config.json of LLaVA-1.5 as transformers reads it: CLIP or SigLIP tower, Llama, Mistral or
 * Qwen2 decoder.
 */

import { z } from 'zod'
import type { ActivationName } from '../../../engine/nn/activation.ts'
import { activation, parseConfigWith, withDefault } from '../config.ts'
import { type TextShape, textConfigs } from '../decoders/config.ts'
import type { VisionTowerShape } from '../towers/clip-vision.ts'
import { clipVisionConfig, siglipVisionConfig } from '../towers/config.ts'

export interface LlavaConfig {
  readonly tower: 'clip' | 'siglip'
  /** `layers` counts those that run: up to the last one that is selected. */
  readonly vision: VisionTowerShape
  readonly text: TextShape
  /**
   * Indices into the tower's hidden states (0 = embeddings); several are joined channel by channel.
   */
  readonly featureLayers: readonly number[]
  /** Whether the first token is dropped (`default`: it is CLIP's class token) or kept (`full`). */
  readonly dropFirst: boolean
  readonly projectorActivation: ActivationName
  readonly projectorBias: boolean
  readonly imageTokenId: number
  /** The head is the embedding table itself. */
  readonly tied: boolean
}

const object = z.record(z.string(), z.unknown())
const layer = z.int()

/** Defaults for keys that files may leave out. */
export interface LlavaDefaults {
  /** The family's name, for messages. */
  family: string
  imageTokenId: number
  select: 'default' | 'full'
  layer: number
  /** The tower when `vision_config` is left out. */
  vision: { model_type: 'clip_vision_model' | 'siglip_vision_model' } & Readonly<Record<string, unknown>>
  text: 'llama' | 'qwen2'
}

/** LlavaConfig's and LlavaNextConfig's: CLIP ViT-L/14 at 336 pixels. */
export const LLAVA_DEFAULTS: Omit<LlavaDefaults, 'family'> = {
  imageTokenId: 32000,
  select: 'default',
  layer: -2,
  vision: {
    model_type: 'clip_vision_model',
    hidden_size: 1024,
    intermediate_size: 4096,
    num_hidden_layers: 24,
    num_attention_heads: 16,
    image_size: 336,
    patch_size: 14,
  },
  text: 'llama',
}

function schemas(defaults: LlavaDefaults) {
  return {
    whole: z.looseObject({
      vision_config: object.nullish(),
      text_config: object.nullish(),
      image_token_index: z.int().min(0).nullish(),
      image_token_id: z.int().min(0).nullish(),
      projector_hidden_act: withDefault(activation, 'gelu'),
      multimodal_projector_bias: withDefault(z.boolean(), true),
      vision_feature_select_strategy: withDefault(z.enum(['default', 'full']), defaults.select),
      vision_feature_layer: withDefault(z.union([layer, z.array(layer).min(1)]), defaults.layer),
      tie_word_embeddings: withDefault(z.boolean(), false),
    }),
    tower: z.looseObject({
      model_type: withDefault(
        z.enum(['clip_vision_model', 'siglip_vision_model']),
        defaults.vision.model_type,
      ),
    }),
    text: z.looseObject({
      model_type: withDefault(z.enum(['llama', 'mistral', 'qwen2']), defaults.text),
      /** Releases differ in where they write it. */
      tie_word_embeddings: withDefault(z.boolean(), false),
    }),
  }
}

/** @throws FamilyError `family/config` */
export function parseLlavaConfig(
  json: unknown,
  defaults: LlavaDefaults = { family: 'llava', ...LLAVA_DEFAULTS },
): LlavaConfig {
  const schema = schemas(defaults)
  const { family } = defaults
  const config = parseConfigWith(schema.whole, json, `${family} config`)
  const visionJson = config.vision_config ?? defaults.vision
  const tower =
    parseConfigWith(schema.tower, visionJson, `${family} vision_config`).model_type === 'clip_vision_model'
      ? 'clip'
      : 'siglip'
  const vision = parseConfigWith(
    tower === 'clip' ? clipVisionConfig : siglipVisionConfig,
    visionJson,
    `${family} vision_config`,
  )
  const textJson = config.text_config ?? {}
  const { model_type: decoder, tie_word_embeddings: tied } = parseConfigWith(
    schema.text,
    textJson,
    `${family} text_config`,
  )
  const text = parseConfigWith(textConfigs[decoder], textJson, `${family} text_config`)
  const states = vision.layers + 1
  const chosen = [config.vision_feature_layer].flat().map((index) => (index < 0 ? index + states : index))
  const inside = z.array(
    z
      .int()
      .min(0, `must be within −${states} … ${states - 1}`)
      .max(states - 1, `must be within −${states} … ${states - 1}`),
  )
  const featureLayers = parseConfigWith(inside, chosen, `${family} vision_feature_layer`)
  return {
    tower,
    vision: { ...vision, layers: Math.max(...featureLayers) },
    text,
    featureLayers,
    dropFirst: config.vision_feature_select_strategy === 'default',
    projectorActivation: config.projector_hidden_act,
    projectorBias: config.multimodal_projector_bias,
    imageTokenId: config.image_token_id ?? config.image_token_index ?? defaults.imageTokenId,
    tied: config.tie_word_embeddings || tied,
  }
}
