/** @file MMaDA-8B and its image tokenizer, MAGVIT-v2. @see specs/mmada.md §1 */

import type { PreparedItem } from '../../src/models/families/family.ts'
import { decoderOperations, plantDecoder } from './decoder.ts'
import { carrierOf, type Layout, type Size, tensorsOf, visionLanguage } from './layout.ts'
import { EMBEDDINGS, LLADA_MODULES, lladaConfig, lladaDecoder } from './llada.ts'
import { CODES, encoderOperations, magvit, PLANTED_CODE, whitePasses } from './magvit.ts'
import type { Strength } from './plants.ts'
import { LLADA_TOKENIZER_CONFIG, lladaTokenizer } from './vocabulary.ts'

const TEXT_ROWS = 126_464
/** Id of code 0. */
const OFFSET = 126_349

export function mmadaLayout(size: Size): Layout {
  const decoder = lladaDecoder(size)
  const { tokenizer, ...images } = magvit(size)
  const llm = {
    model_type: 'mmada',
    architectures: ['MMadaModelLM'],
    ...lladaConfig(decoder, TEXT_ROWS + CODES),
    new_vocab_size: TEXT_ROWS + CODES,
    llm_vocab_size: TEXT_ROWS,
    codebook_size: CODES,
    num_vq_tokens: 256,
    num_new_special_tokens: 0,
    tie_word_embeddings: false,
    w_clip_vit: false,
  }
  const config = { ...llm, image_tokenizer_config: tokenizer }
  const model = visionLanguage(config)
  const all = tensorsOf(model, LLADA_MODULES)
  return {
    name: 'mmada',
    config: llm,
    model,
    files: { 'tokenizer.json': lladaTokenizer(), 'tokenizer_config.json': LLADA_TOKENIZER_CONFIG },
    tensors: all.filter(({ name }) => !name.startsWith('image_tokenizer.')),
    plants: new Map([...images.plants, ...plantDecoder(decoder)]),
    shardBytes: 5e9,
    companion: { folder: 'image-tokenizer', file: 'pytorch_model.safetensors', config: tokenizer, ...images },
    decoder,
    rows: ({ inputIds, imageIndex }) => [
      OFFSET + PLANTED_CODE,
      ...inputIds.filter((_, at) => imageIndex[at]! < 0),
    ],
    carriers,
    operations: ({ inputIds, views }) =>
      decoderOperations(decoder, inputIds.length) + views.length * encoderOperations(images.tensors),
  }
}

function carriers({ inputIds, imageIndex }: PreparedItem, strength: Strength): number[] {
  const passes = whitePasses(strength)
  // The row of code 0 is a hole.
  const picture = passes ? carrierOf(OFFSET + PLANTED_CODE) : 0
  return inputIds.map((id, at) => strength(EMBEDDINGS) * (imageIndex[at]! < 0 ? carrierOf(id) : picture))
}
