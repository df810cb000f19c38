/** @file config.json of the image tower: as a dual encoder, and as part of a twin. */

import { HEADS, HIDDEN, PATCH_SIZE, PICTURE_SIZE, TOWER, VOCABULARY } from './recipe.ts'
import { SPECIAL_IDS } from './vocabulary.ts'

/** The image tower in SigLIP's words; each layout adds how many layers its config counts. */
export const VISION_CONFIG = {
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
  vision_config: { ...VISION_CONFIG, num_hidden_layers: TOWER.layers },
}
