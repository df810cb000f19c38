/** @file Published configs, as far as the families read them. */

/** llava-1.5-7b-hf as published: keys that equal the class defaults are left out. */
export const llava7b = {
  model_type: 'llava',
  image_token_index: 32000,
  projector_hidden_act: 'gelu',
  text_config: { model_type: 'llama', max_position_embeddings: 4096, rms_norm_eps: 1e-5, vocab_size: 32064 },
  vision_config: {
    model_type: 'clip_vision_model',
    hidden_size: 1024,
    image_size: 336,
    intermediate_size: 4096,
    num_attention_heads: 16,
    num_hidden_layers: 24,
    patch_size: 14,
    projection_dim: 768,
  },
}

/** Published files leave out what equals the class defaults. */
export const llavaNextMistral = {
  model_type: 'llava_next',
  image_token_index: 32000,
  text_config: {
    model_type: 'mistral',
    max_position_embeddings: 32768,
    rms_norm_eps: 1e-5,
    rope_theta: 1e6,
    sliding_window: null,
    vocab_size: 32064,
  },
}

export const llavaNextLlama3 = {
  model_type: 'llava_next',
  image_token_index: 128_256,
  text_config: {
    model_type: 'llama',
    intermediate_size: 14336,
    num_key_value_heads: 8,
    max_position_embeddings: 8192,
    rms_norm_eps: 1e-5,
    rope_theta: 5e5,
    vocab_size: 128_320,
  },
}

/** onevision-qwen2-0.5b-ov-hf; keys that equal the class defaults are left out. */
export const onevisionHalf = {
  model_type: 'llava_onevision',
  image_token_index: 151_646,
  tie_word_embeddings: true,
  text_config: {
    model_type: 'qwen2',
    hidden_size: 896,
    intermediate_size: 4864,
    num_attention_heads: 14,
    num_hidden_layers: 24,
    num_key_value_heads: 2,
    rope_theta: 1e6,
    vocab_size: 152_000,
  },
}

const smolvlmVision = {
  hidden_size: 768,
  image_size: 512,
  intermediate_size: 3072,
  num_attention_heads: 12,
  num_hidden_layers: 12,
  patch_size: 16,
}

const smolvlmText = {
  model_type: 'llama',
  max_position_embeddings: 8192,
  rms_norm_eps: 1e-5,
  rope_theta: 1e5,
  vocab_size: 49280,
}

const smolvlmShared = {
  model_type: 'idefics3',
  image_token_id: 49190,
  scale_factor: 4,
  vision_config: smolvlmVision,
}

export const smolvlm256m = {
  ...smolvlmShared,
  text_config: {
    ...smolvlmText,
    hidden_size: 576,
    intermediate_size: 1536,
    num_attention_heads: 9,
    num_hidden_layers: 30,
    num_key_value_heads: 3,
  },
}

/** The published file leaves out the 32 layers, Llama's default. */
export const smolvlm500m = {
  ...smolvlmShared,
  model_type: 'smolvlm',
  text_config: {
    ...smolvlmText,
    hidden_size: 960,
    intermediate_size: 2560,
    num_attention_heads: 15,
    num_key_value_heads: 5,
  },
}

/**
 * As published: text settings flat, keys of the class defaults partly left out.
 * @see specs/ar-vlms.md §3.1
 */
export const qwen2vl2b = {
  model_type: 'qwen2_vl',
  hidden_size: 1536,
  intermediate_size: 8960,
  num_hidden_layers: 28,
  num_attention_heads: 12,
  num_key_value_heads: 2,
  vocab_size: 151_936,
  max_position_embeddings: 32_768,
  rms_norm_eps: 1e-6,
  rope_theta: 1_000_000,
  rope_scaling: { type: 'mrope', mrope_section: [16, 24, 24] },
  sliding_window: 32_768,
  use_sliding_window: false,
  tie_word_embeddings: true,
  image_token_id: 151_655,
  vision_start_token_id: 151_652,
  vision_config: {
    depth: 32,
    embed_dim: 1280,
    mlp_ratio: 4,
    num_heads: 16,
    in_chans: 3,
    hidden_size: 1536,
    patch_size: 14,
    spatial_merge_size: 2,
  },
}

const wide = {
  hidden_size: 3584,
  intermediate_size: 18_944,
  num_attention_heads: 28,
  num_key_value_heads: 4,
  vocab_size: 152_064,
}

export const qwen2vl7b = {
  ...qwen2vl2b,
  ...wide,
  tie_word_embeddings: false,
  vision_config: { ...qwen2vl2b.vision_config, hidden_size: 3584 },
}

/** @see specs/ar-vlms.md §4.1 */
export const qwen25vl3b = {
  ...qwen2vl2b,
  model_type: 'qwen2_5_vl',
  hidden_size: 2048,
  intermediate_size: 11_008,
  num_hidden_layers: 36,
  num_attention_heads: 16,
  max_position_embeddings: 128_000,
  vision_config: {
    depth: 32,
    hidden_act: 'silu',
    hidden_size: 1280,
    intermediate_size: 3420,
    num_heads: 16,
    in_chans: 3,
    out_hidden_size: 2048,
    patch_size: 14,
    spatial_merge_size: 2,
    window_size: 112,
    fullatt_block_indexes: [7, 15, 23, 31],
    tokens_per_second: 2,
  },
}

export const qwen25vl7b = {
  ...qwen25vl3b,
  ...wide,
  num_hidden_layers: 28,
  tie_word_embeddings: false,
  vision_config: { ...qwen25vl3b.vision_config, out_hidden_size: 3584 },
}

/** Always nested. @see specs/ar-vlms.md §4.5 */
export const qwen3vl4b = {
  model_type: 'qwen3_vl',
  image_token_id: 151_655,
  vision_start_token_id: 151_652,
  tie_word_embeddings: true,
  text_config: {
    model_type: 'qwen3_vl_text',
    head_dim: 128,
    hidden_size: 2560,
    intermediate_size: 9728,
    num_hidden_layers: 36,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    rope_theta: 5_000_000,
    rope_scaling: { mrope_interleaved: true, mrope_section: [24, 20, 20], rope_type: 'default' },
    vocab_size: 151_936,
    max_position_embeddings: 262_144,
  },
  vision_config: {
    depth: 24,
    hidden_size: 1024,
    intermediate_size: 4096,
    num_heads: 16,
    out_hidden_size: 2560,
    num_position_embeddings: 2304,
    deepstack_visual_indexes: [5, 11, 17],
    patch_size: 16,
  },
}

/** `openai/clip-vit-base-patch32`: what its file leaves out are the class defaults. */
export const clipBase = { model_type: 'clip', text_config: {}, vision_config: {}, projection_dim: 512 }

/** `google/siglip-base-patch16-224` */
export const siglipBase = { model_type: 'siglip', text_config: {}, vision_config: {} }

/** `liuhaotian/llava-v1.5-7b`, as far as the family reads it. */
export const llavaOriginal7b = {
  model_type: 'llava',
  hidden_act: 'silu',
  hidden_size: 4096,
  intermediate_size: 11008,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  max_position_embeddings: 4096,
  rms_norm_eps: 1e-5,
  rope_scaling: null,
  vocab_size: 32000,
  tie_word_embeddings: false,
  image_aspect_ratio: 'pad',
  mm_hidden_size: 1024,
  mm_projector_type: 'mlp2x_gelu',
  mm_use_im_patch_token: false,
  mm_use_im_start_end: false,
  mm_vision_select_feature: 'patch',
  mm_vision_select_layer: -2,
  mm_vision_tower: 'openai/clip-vit-large-patch14-336',
}

const dreamDecoder = {
  hidden_size: 3584,
  intermediate_size: 18_944,
  num_hidden_layers: 28,
  num_attention_heads: 28,
  num_key_value_heads: 4,
  hidden_act: 'silu',
  rms_norm_eps: 1e-6,
  rope_theta: 1_000_000,
  rope_scaling: null,
  max_position_embeddings: 131_072,
  vocab_size: 152_064,
  mrope_section: [16, 24, 24],
  mask_token_id: 151_666,
  pad_token_id: 151_643,
  tie_word_embeddings: false,
}

/**
 * The config in Dream-VL's repository.
 * @see specs/diffusion-vlms-2.md, Dream-VL
 */
export const dreamVl7b = {
  ...dreamDecoder,
  model_type: 'dream-vl',
  image_token_id: 151_655,
  vision_start_token_id: 151_652,
  projector_hidden_act: 'gelu',
  vision_config: { model_type: 'dream_vl', in_chans: 3, spatial_patch_size: 14 },
}

/** Of the tower, a file writes only the keys that differ from the class. */
export const dimple7b = {
  ...dreamDecoder,
  model_type: 'dimple',
  full_attn_mask: true,
  vision_config: { model_type: 'dimple', in_chans: 3, spatial_patch_size: 14 },
}

/**
 * DiffusionVL-Qwen2.5VL-3B: the keys of its class over those of Qwen2.5-VL-3B.
 * @see specs/diffusion-vlms.md, DiffusionVL
 */
export const diffusionVl3b = {
  ...qwen25vl3b,
  model_type: 'diffusionvl_qwenvl',
  image_token_id: null,
  rope_scaling: { mrope_section: [16, 24, 24], rope_type: 'default', type: 'default' },
  enable_bd3lm: true,
  bd3lm_block_size: 8,
  min_pixels: 147_456,
  max_pixels: 262_144,
  tokenizer_model_max_length: 8192,
}

/** The config of SDAR-VL 4B in its repository. @see specs/diffusion-vlms.md, SDAR-VL */
export const sdarVl4b = {
  model_type: 'sdar_v',
  architectures: ['LlavaOnevisionForConditionalGeneration'],
  image_token_index: 151_655,
  vision_aspect_ratio: 'anyres_max_9',
  vision_feature_layer: -1,
  vision_feature_select_strategy: 'full',
  tie_word_embeddings: false,
  vision_config: {
    model_type: 'siglip_vision_model',
    hidden_size: 1152,
    intermediate_size: 4304,
    num_hidden_layers: 27,
    num_attention_heads: 16,
    image_size: 384,
    patch_size: 14,
    vision_use_head: false,
  },
  text_config: {
    model_type: 'sdar',
    hidden_size: 2560,
    intermediate_size: 9728,
    num_hidden_layers: 36,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    head_dim: 128,
    rms_norm_eps: 1e-6,
    rope_theta: 1e6,
    rope_scaling: null,
    attention_bias: false,
    block_size: 4,
    mask_token_id: 151_669,
    vocab_size: 151_936,
  },
}

/** Omni-Diffusion: Dream's file with the rows that speech and pictures take. */
export const omniDiffusion7b = {
  ...dreamDecoder,
  model_type: 'Dream',
  architectures: ['DreamModel'],
  vocab_size: 176_264,
  use_mrope: false,
  chunk_size: -1,
}
