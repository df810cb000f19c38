/** @file LLaDA-8B, the decoder of LaViDa and MMaDA. @see specs/lavida.md §1.2, §1.5 */

import { LLADA_PLACES } from '../../src/models/families/decoders/llada.ts'
import type { PlantedDecoder } from './decoder.ts'
import { divided, fewer, type Size } from './layout.ts'

export const EMBEDDINGS = `${LLADA_PLACES.embeddings}.weight`

/** LLaDA's own order of modules. */
export const LLADA_MODULES = [
  EMBEDDINGS,
  'model.transformer.ln_f.',
  'model.transformer.blocks.',
  'model.transformer.ff_out.',
]

export function lladaDecoder(size: Size): PlantedDecoder {
  const heads = divided(32, size)
  return {
    places: LLADA_PLACES,
    hidden: heads * 128,
    inner: 12_288 / size.scale,
    heads,
    keyValueHeads: heads,
    headDim: 128,
    layers: fewer(32, size),
    epsilon: 1e-5,
    causal: false,
  }
}

/** Keys of config.json. @param vocabulary rows of the table */
export function lladaConfig({ hidden, inner, heads, layers, epsilon }: PlantedDecoder, vocabulary: number) {
  return {
    d_model: hidden,
    n_layers: layers,
    n_heads: heads,
    n_kv_heads: heads,
    mlp_hidden_size: inner,
    mlp_ratio: 4,
    vocab_size: vocabulary,
    embedding_size: vocabulary,
    max_sequence_length: 4096,
    rope: true,
    rope_theta: 500_000,
    rope_full_precision: true,
    rms_norm_eps: epsilon,
    layer_norm_type: 'rms',
    layer_norm_with_affine: true,
    activation_type: 'silu',
    block_type: 'llama',
    block_group_size: 1,
    weight_tying: false,
    include_bias: false,
    include_qkv_bias: false,
    bias_for_layer_norm: false,
    attention_layer_norm: false,
    input_emb_norm: false,
    alibi: false,
    scale_logits: false,
    multi_query_attention: null,
    flash_attention: false,
    attention_dropout: 0,
    residual_dropout: 0,
    embedding_dropout: 0,
    use_cache: false,
    mask_token_id: 126_336,
    eos_token_id: 126_081,
    pad_token_id: 126_081,
    torch_dtype: 'bfloat16',
  }
}
