/** @file `text_config` of Llama, Mistral and Qwen2: one shape, three sets of defaults. */

import { z } from 'zod'
import { activation, layerCount, whole, withDefault } from '../config.ts'
import type { GatedDecoderShape } from './gated.ts'
import { ropeOf, ropeSchema } from './rope.ts'

/** A decoder's shape with its vocabulary. */
export interface TextShape extends GatedDecoderShape {
  vocabulary: number
}

interface TextDefaults {
  vocabulary: number
  inner: number
  keyValueHeads: number | null
  maxPositions: number
  slidingWindow: number | null
  /** Llama reads `attention_bias`; the others are fixed. */
  bias: 'key' | 'none' | 'query-key-value'
}

function textSchema(defaults: TextDefaults) {
  return z
    .looseObject({
      vocab_size: withDefault(whole, defaults.vocabulary),
      hidden_size: withDefault(whole, 4096),
      intermediate_size: withDefault(whole, defaults.inner),
      num_hidden_layers: withDefault(layerCount, 32),
      num_attention_heads: withDefault(whole, 32),
      num_key_value_heads: whole.nullish(),
      head_dim: whole.nullish(),
      hidden_act: withDefault(activation, 'silu'),
      rms_norm_eps: withDefault(z.number().positive(), 1e-6),
      rope_theta: z.number().positive().nullish(),
      rope_scaling: ropeSchema.nullish(),
      rope_parameters: ropeSchema.nullish(),
      partial_rotary_factor: withDefault(z.literal(1), 1),
      max_position_embeddings: withDefault(whole, defaults.maxPositions),
      attention_bias: withDefault(z.boolean(), false),
      mlp_bias: withDefault(z.literal(false), false),
      sliding_window: whole.nullish(),
      use_sliding_window: withDefault(z.literal(false), false),
    })
    .transform((json): TextShape => {
      const { num_attention_heads: heads } = json
      const headDim = json.head_dim ?? json.hidden_size / heads
      const ropeTheta = json.rope_parameters?.rope_theta ?? json.rope_theta ?? 10_000
      const rope = ropeOf(json.rope_parameters ?? json.rope_scaling, {
        theta: ropeTheta,
        headDim,
        maxPositions: json.max_position_embeddings,
      })
      // A window that is left out is the class default; `null` turns it off. Within the window,
      // full attention is the same.
      const window = json.sliding_window === undefined ? defaults.slidingWindow : json.sliding_window
      return {
        vocabulary: json.vocab_size,
        hidden: json.hidden_size,
        inner: json.intermediate_size,
        layers: json.num_hidden_layers,
        heads,
        keyValueHeads: json.num_key_value_heads ?? defaults.keyValueHeads ?? heads,
        headDim,
        activation: json.hidden_act,
        epsilon: json.rms_norm_eps,
        ropeTheta,
        ropeScaling: rope.scaling,
        maxPositions:
          defaults.bias === 'none'
            ? Math.min(rope.maxPositions, window ?? rope.maxPositions)
            : rope.maxPositions,
        queryKeyValueBias:
          defaults.bias === 'key' ? json.attention_bias : defaults.bias === 'query-key-value',
        outputBias: defaults.bias === 'key' && json.attention_bias,
      }
    })
    .refine(
      (shape) => shape.heads % shape.keyValueHeads === 0,
      'num_attention_heads must be a multiple of num_key_value_heads',
    )
    .refine(
      (shape) => shape.headDim % 2 === 0,
      'head_dim (hidden_size / num_attention_heads) must be an even whole number',
    )
}

/** By `model_type` of the text config. @see specs/ar-vlms.md §0.2 */
export const textConfigs = {
  llama: textSchema({
    vocabulary: 32000,
    inner: 11008,
    keyValueHeads: null,
    maxPositions: 2048,
    slidingWindow: null,
    bias: 'key',
  }),
  mistral: textSchema({
    vocabulary: 32000,
    inner: 14336,
    keyValueHeads: 8,
    maxPositions: 131_072,
    slidingWindow: 4096,
    bias: 'none',
  }),
  qwen2: textSchema({
    vocabulary: 151_936,
    inner: 22016,
    keyValueHeads: 32,
    maxPositions: 32768,
    slidingWindow: null,
    bias: 'query-key-value',
  }),
}
