/**
 * @file config.json of the twins that read codes: MMaDA's layout, whatever mask it is used under.
 */

import {
  CODE_PICTURE,
  CODES,
  codeConfig,
  IMAGE_TOKENIZERS,
  type ImageTokenizerName,
} from '../image-tokenizer/shape.ts'
import { DECODER, HEADS, HIDDEN, VOCABULARY } from '../recipe.ts'
import { SPECIAL_IDS } from '../vocabulary.ts'

/** @see specs/mmada.md §1.2, §8 */
export function codesConfig(pictures: ImageTokenizerName) {
  const { stack } = IMAGE_TOKENIZERS[pictures]
  const codebook = 2 ** stack.bits
  const rows = VOCABULARY + codebook
  return {
    architectures: ['MMadaModelLM'],
    model_type: 'mmada',
    d_model: HIDDEN,
    n_layers: DECODER.layers,
    n_heads: HEADS,
    n_kv_heads: HEADS,
    mlp_hidden_size: DECODER.inner,
    mlp_ratio: 4,
    vocab_size: rows,
    embedding_size: rows,
    new_vocab_size: rows,
    llm_vocab_size: VOCABULARY,
    codebook_size: codebook,
    num_vq_tokens: CODES,
    num_new_special_tokens: 0,
    tie_word_embeddings: false,
    weight_tying: false,
    w_clip_vit: false,
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
    init_fn: 'mitchell',
    init_std: 0.02,
    torch_dtype: 'bfloat16',
    image_resolution: CODE_PICTURE,
    image_tokenizer_config: codeConfig(stack),
  } as const
}

/** Differences of the layout from that of the twins on a tower. */
export function codesUnequal(pictures: ImageTokenizerName): readonly string[] {
  return [
    `A picture takes ${CODES} positions, and two marks, where a tower's takes 16; it ` +
      `stands before the user's turn (MMaDA has it there), and no line break follows it.`,
    `${2 ** IMAGE_TOKENIZERS[pictures].stack.bits} more rows in the table, and a head of its own: MMaDA's layout does not tie the two. The head ` +
      'starts as a copy of the table.',
    'No projector. A row of a code starts as the sum of one vector for each of its bits.',
    'Pictures are learnt from words too, as MMaDA learns them: batches of captions and labels have a second ' +
      'half in which the words are given and the codes are learnt. No picture or word is new in it.',
    "Terms of the loss weigh the same (MMaDA's first stage: 1 for pictures and for answers); plain texts have " +
      'batches of their own, so that their weight of .1 has no meaning here.',
  ]
}
