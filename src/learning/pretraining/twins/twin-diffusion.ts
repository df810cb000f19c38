/**
 * @file The diffusion twin: LaViDa layout on LLaDA, bidirectional attention, masked-diffusion
 * objective.
 */

import { DECODER, HEADS, HIDDEN, TOWER, VOCABULARY } from '../recipe.ts'
import { VISION_CONFIG } from '../tower-config.ts'
import { SPECIAL_IDS } from '../vocabulary.ts'
import type { Twin } from './twin.ts'

export const twinDiffusion: Twin = {
  name: 'twin-diffusion',
  objective: 'masked-diffusion',
  pictures: 'tower',
  // LaViDa always leaves the last layer of its tower out, so the config counts one layer that the
  // file does not have. The tower ends without its last norm.
  config: {
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
    vision_config: { ...VISION_CONFIG, num_hidden_layers: TOWER.layers + 1 },
  },
  files: {},
  unread: [],
  card: {
    library: 'bifocal',
    summary:
      'The diffusion twin, in LaViDa layout on LLaDA: bidirectional attention, masked-diffusion ' +
      'objective with complementary masks. Its sibling `twin-ar` has the same data in the same ' +
      'order, image tower, tokenizer, prompt, sizes and steps; the two differ in objective and ' +
      'attention mask.',
    answered: 'infilled',
    sections: [],
  },
}
