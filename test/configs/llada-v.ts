/** @file LLaDA-V's config as its repository's scripts write it, as far as the family reads it. */

import { lladaConfig } from './lavida.ts'

const pictures = Object.fromEntries(
  Object.entries(lladaConfig).filter(([key]) => /^(mm_|image_|tokenizer_)/.test(key)),
)

/** `GSAI-ML/LLaDA-V`. @see specs/lavida.md §10.1, §10.3 */
export const lladaVConfig = {
  ...pictures,
  model_type: 'llava_llada',
  mm_vision_tower: 'google/siglip2-so400m-patch14-384',
  image_aspect_ratio: 'anyres_max_4',
  image_grid_pinpoints: '(1x1),...,(6x6)',
  tokenizer_model_max_length: 8192,
  hidden_size: 4096,
  intermediate_size: 12288,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  vocab_size: 126464,
  max_position_embeddings: 16384,
  rms_norm_eps: 1e-5,
  rope_theta: 500000,
  rope_scaling: null,
  hidden_act: 'silu',
  attention_bias: false,
  tie_word_embeddings: false,
  bos_token_id: 128000,
  eos_token_id: 126081,
}
