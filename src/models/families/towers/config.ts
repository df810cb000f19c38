/**
 * @file `vision_config` and `text_config` of CLIP and SigLIP. Files drop keys that equal the class
 * default, so the defaults are here.
 */

import { z } from 'zod'
import { activation, layerCount, whole, withDefault } from '../config.ts'
import type { VisionTowerShape } from './clip-vision.ts'
import type { TextTowerShape } from './siglip-text.ts'

const epsilon = z.number().positive()

interface VisionDefaults {
  hidden: number
  inner: number
  layers: number
  heads: number
  image: number
  patch: number
  activation: z.infer<typeof activation>
  epsilon: number
}

function visionSchema(defaults: VisionDefaults) {
  return z
    .looseObject({
      hidden_size: withDefault(whole, defaults.hidden),
      intermediate_size: withDefault(whole, defaults.inner),
      num_hidden_layers: withDefault(layerCount, defaults.layers),
      num_attention_heads: withDefault(whole, defaults.heads),
      num_channels: withDefault(z.literal(3), 3),
      image_size: withDefault(whole, defaults.image),
      patch_size: withDefault(whole, defaults.patch),
      hidden_act: withDefault(activation, defaults.activation),
      layer_norm_eps: withDefault(epsilon, defaults.epsilon),
    })
    .refine(
      (json) => json.hidden_size % json.num_attention_heads === 0,
      'hidden_size must be a multiple of num_attention_heads',
    )
    .refine((json) => json.patch_size <= json.image_size, 'patch_size must not exceed image_size')
    .transform(
      (json): VisionTowerShape => ({
        hidden: json.hidden_size,
        inner: json.intermediate_size,
        layers: json.num_hidden_layers,
        heads: json.num_attention_heads,
        channels: json.num_channels,
        image: json.image_size,
        patch: json.patch_size,
        activation: json.hidden_act,
        epsilon: json.layer_norm_eps,
      }),
    )
}

/** CLIPVisionConfig. @see specs/ar-vlms.md §0.2 */
export const clipVisionConfig = visionSchema({
  hidden: 768,
  inner: 3072,
  layers: 12,
  heads: 12,
  image: 224,
  patch: 32,
  activation: 'quick_gelu',
  epsilon: 1e-5,
})

/** SiglipVisionConfig. @see specs/ar-vlms.md §0.2 */
export const siglipVisionConfig = visionSchema({
  hidden: 768,
  inner: 3072,
  layers: 12,
  heads: 12,
  image: 224,
  patch: 16,
  activation: 'gelu_pytorch_tanh',
  epsilon: 1e-6,
})

/** Idefics3VisionConfig and SmolVLMVisionConfig. @see specs/ar-vlms.md §0.2 */
export const idefics3VisionConfig = visionSchema({
  hidden: 1152,
  inner: 3072,
  layers: 12,
  heads: 16,
  image: 224,
  patch: 32,
  activation: 'gelu_pytorch_tanh',
  epsilon: 1e-6,
})

interface TextDefaults {
  vocabulary: number
  hidden: number
  inner: number
  heads: number
  length: number
  activation: z.infer<typeof activation>
  epsilon: number
}

function textSchema(defaults: TextDefaults) {
  return z
    .looseObject({
      vocab_size: withDefault(whole, defaults.vocabulary),
      hidden_size: withDefault(whole, defaults.hidden),
      intermediate_size: withDefault(whole, defaults.inner),
      num_hidden_layers: withDefault(layerCount, 12),
      num_attention_heads: withDefault(whole, defaults.heads),
      max_position_embeddings: withDefault(whole, defaults.length),
      hidden_act: withDefault(activation, defaults.activation),
      layer_norm_eps: withDefault(epsilon, defaults.epsilon),
      projection_size: whole.nullish(),
      eos_token_id: z.int().min(0).nullish(),
    })
    .refine(
      (json) => json.hidden_size % json.num_attention_heads === 0,
      'hidden_size must be a multiple of num_attention_heads',
    )
    .transform((json): TextTowerShape & { eosId: number | undefined } => ({
      vocabulary: json.vocab_size,
      hidden: json.hidden_size,
      inner: json.intermediate_size,
      layers: json.num_hidden_layers,
      heads: json.num_attention_heads,
      length: json.max_position_embeddings,
      activation: json.hidden_act,
      epsilon: json.layer_norm_eps,
      projection: json.projection_size ?? json.hidden_size,
      eosId: json.eos_token_id ?? undefined,
    }))
}

/** CLIPTextConfig. @see specs/ar-vlms.md §0.2 */
export const clipTextConfig = textSchema({
  vocabulary: 49408,
  hidden: 512,
  inner: 2048,
  heads: 8,
  length: 77,
  activation: 'quick_gelu',
  epsilon: 1e-5,
})

/** SiglipTextConfig. @see specs/ar-vlms.md §0.2 */
export const siglipTextConfig = textSchema({
  vocabulary: 32000,
  hidden: 768,
  inner: 3072,
  heads: 12,
  length: 64,
  activation: 'gelu_pytorch_tanh',
  epsilon: 1e-6,
})
