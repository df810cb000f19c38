/**
 * @file MMaDA's published config, and that of a tiny model of the same layout, as far as the family
 * reads them.
 */

import { lladaConfig } from './lavida.ts'

const flags = { layer_norm_with_affine: true, bias_for_layer_norm: false }

/** `Gen-Verse/MMaDA-8B-Base` and `-MixCoT`. @see specs/mmada.md §1.2 */
export const mmadaConfig = {
  ...Object.fromEntries(Object.entries(lladaConfig).filter(([key]) => !/^(mm_|image_|tokenizer_)/.test(key))),
  ...flags,
  model_type: 'mmada',
  vocab_size: 134656,
  embedding_size: 134656,
  new_vocab_size: 134656,
  llm_vocab_size: 126464,
  codebook_size: 8192,
  num_vq_tokens: 256,
}

/** @see specs/mmada.md §8.1 */
export const tinyMmadaConfig = {
  ...mmadaConfig,
  d_model: 192,
  n_layers: 4,
  n_heads: 6,
  n_kv_heads: 6,
  mlp_hidden_size: 512,
  vocab_size: 960,
  embedding_size: 960,
  new_vocab_size: 960,
  llm_vocab_size: 896,
  codebook_size: 64,
  max_sequence_length: 512,
  mask_token_id: 768,
  eos_token_id: 513,
  image_tokenizer_config: {
    encoder: {
      ch: 32,
      ch_mult: [1, 1, 2, 2],
      num_res_blocks: [1, 1, 1, 1],
      z_channels: 6,
      resolution: 64,
      attn_resolutions: [5],
    },
  },
}
