/** @file config.json of the tower and of the twins: one decoder, two published layouts. */

import { huggingFaceSpelling } from '../../models/families/decoders/llada.ts'
import {
  DECODER,
  HEADS,
  HIDDEN,
  IMAGE_TOKENS,
  PATCH_SIZE,
  PICTURE_SIZE,
  TOWER,
  VOCABULARY,
} from './recipe.ts'
import { SPECIAL_IDS } from './vocabulary.ts'

export const TWIN_NAMES = ['twin-ar', 'twin-diffusion'] as const
export type TwinName = (typeof TWIN_NAMES)[number]

const VISION = {
  model_type: 'siglip_vision_model',
  hidden_size: HIDDEN,
  intermediate_size: TOWER.inner,
  num_attention_heads: HEADS,
  image_size: PICTURE_SIZE,
  patch_size: PATCH_SIZE,
  num_channels: 3,
  hidden_act: 'gelu_pytorch_tanh',
  layer_norm_eps: 1e-6,
  attention_dropout: 0,
}

/** The shared tower with its text tower, as a dual encoder. */
export const TOWER_CONFIG: Readonly<Record<string, unknown>> = {
  architectures: ['SiglipModel'],
  model_type: 'siglip',
  initializer_factor: 1,
  torch_dtype: 'bfloat16',
  text_config: {
    model_type: 'siglip_text_model',
    vocab_size: VOCABULARY,
    hidden_size: HIDDEN,
    intermediate_size: TOWER.textInner,
    num_hidden_layers: TOWER.textLayers,
    num_attention_heads: HEADS,
    max_position_embeddings: TOWER.textLength,
    projection_size: HIDDEN,
    hidden_act: 'gelu_pytorch_tanh',
    layer_norm_eps: 1e-6,
    attention_dropout: 0,
    bos_token_id: SPECIAL_IDS.bos,
    eos_token_id: SPECIAL_IDS.eos,
    pad_token_id: SPECIAL_IDS.eos,
  },
  vision_config: { ...VISION, num_hidden_layers: TOWER.layers },
}

/**
 * Both read the tower's last hidden states, before `post_layernorm`. LLaVA says so by
 * `vision_feature_layer`; LaViDa always leaves the last layer of its tower out, so its config
 * counts one layer that the file does not have.
 */
export const TWIN_CONFIGS: { readonly [T in TwinName]: Readonly<Record<string, unknown>> } = {
  'twin-ar': {
    architectures: ['LlavaForConditionalGeneration'],
    model_type: 'llava',
    image_token_index: SPECIAL_IDS.image,
    image_seq_length: IMAGE_TOKENS,
    projector_hidden_act: 'gelu',
    multimodal_projector_bias: true,
    vision_feature_layer: -1,
    vision_feature_select_strategy: 'full',
    tie_word_embeddings: true,
    torch_dtype: 'bfloat16',
    text_config: {
      model_type: 'llama',
      vocab_size: VOCABULARY,
      hidden_size: HIDDEN,
      intermediate_size: DECODER.inner,
      num_hidden_layers: DECODER.layers,
      num_attention_heads: HEADS,
      num_key_value_heads: HEADS,
      hidden_act: 'silu',
      max_position_embeddings: DECODER.maxPositions,
      rms_norm_eps: DECODER.epsilon,
      rope_theta: DECODER.ropeTheta,
      attention_bias: false,
      mlp_bias: false,
      tie_word_embeddings: true,
      bos_token_id: SPECIAL_IDS.bos,
      eos_token_id: SPECIAL_IDS.eos,
      pad_token_id: SPECIAL_IDS.eos,
    },
    vision_config: { ...VISION, num_hidden_layers: TOWER.layers, vision_use_head: false },
  },
  'twin-diffusion': {
    architectures: ['LlavaLladaForMaskedDiffusion'],
    model_type: 'llava_llada',
    d_model: HIDDEN,
    n_layers: DECODER.layers,
    n_heads: HEADS,
    n_kv_heads: HEADS,
    mlp_hidden_size: DECODER.inner,
    mlp_ratio: 4,
    vocab_size: VOCABULARY,
    embedding_size: VOCABULARY,
    max_sequence_length: DECODER.maxPositions,
    rope: true,
    rope_theta: DECODER.ropeTheta,
    rope_full_precision: true,
    rms_norm_eps: DECODER.epsilon,
    layer_norm_type: 'rms',
    layer_norm_with_affine: true,
    activation_type: 'silu',
    block_type: 'llama',
    block_group_size: 1,
    weight_tying: true,
    include_bias: false,
    include_qkv_bias: false,
    bias_for_layer_norm: false,
    attention_layer_norm: false,
    input_emb_norm: false,
    alibi: false,
    scale_logits: false,
    multi_query_attention: null,
    attention_dropout: 0,
    residual_dropout: 0,
    embedding_dropout: 0,
    mask_token_id: SPECIAL_IDS.mask,
    eos_token_id: SPECIAL_IDS.eos,
    pad_token_id: SPECIAL_IDS.eos,
    fim_token_id: SPECIAL_IDS.bos + 5,
    mm_vision_tower: 'bifocal/twin-siglip',
    mm_hidden_size: HIDDEN,
    mm_projector_type: 'mlp2x_gelu',
    mm_resampler_type: null,
    mm_patch_merge_type: 'flat',
    mm_spatial_pool_mode: 'none',
    image_aspect_ratio: 'square',
    image_grid_pinpoints: null,
    tokenizer_model_max_length: DECODER.maxPositions,
    torch_dtype: 'bfloat16',
    vision_config: { ...VISION, num_hidden_layers: TOWER.layers + 1 },
  },
}

/**
 * What a parameter of either twin does, in one spelling: parameters of one role start with the same
 * values.
 */
export function roleOf(name: string): string {
  return huggingFaceSpelling(name.replace(/^language_model\./, 'model.'))
    .replace('multi_modal_projector.linear_1', 'model.mm_projector.0')
    .replace('multi_modal_projector.linear_2', 'model.mm_projector.2')
}
