/** @file The autoregressive twin: LLaVA layout, causal attention, next-token objective. */

import { DECODER, HEADS, HIDDEN, IMAGE_TOKENS, PATCH_SIZE, TOWER, VOCABULARY } from '../recipe.ts'
import { VISION_CONFIG } from '../tower-config.ts'
import { SPECIAL_IDS, SPECIAL_TOKENS } from '../vocabulary.ts'
import type { Twin } from './twin.ts'

export const twinAr: Twin = {
  name: 'twin-ar',
  objective: 'next-token',
  pictures: 'tower',
  // `vision_feature_layer` −1: the tower's last hidden states, before `post_layernorm`.
  config: {
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
    vision_config: { ...VISION_CONFIG, num_hidden_layers: TOWER.layers, vision_use_head: false },
  },
  files: {
    // LlavaProcessor counts one token for each patch of a picture.
    'processor_config.json': {
      processor_class: 'LlavaProcessor',
      image_token: SPECIAL_TOKENS.image,
      patch_size: PATCH_SIZE,
      vision_feature_select_strategy: 'full',
      num_additional_image_tokens: 0,
    },
  },
  // transformers' tower has its last norm, though LLaVA reads the states before it.
  unread: ['weight', 'bias'].map((kind) => `vision_tower.vision_model.post_layernorm.${kind}`),
  card: {
    library: 'transformers',
    summary:
      'The autoregressive twin, in LLaVA layout: causal attention, next-token objective. Its ' +
      'sibling `twin-diffusion` has the same data in the same order, image tower, tokenizer, ' +
      'prompt, sizes and steps; the two differ in objective and attention mask.',
    answered: 'generated',
    sections: [
      '## In transformers\n\n`LlavaForConditionalGeneration.from_pretrained` loads this folder; `test/oracles/load_twin_ar.py` compares the last hidden states with bifocal’s.\n\n<!-- parity -->\nNot compared yet.\n<!-- /parity -->',
    ],
  },
}
