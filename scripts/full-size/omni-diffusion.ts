/**
 * @file Omni-Diffusion, 7B: Dream's decoder, pictures as ids of its vocabulary by MAGVIT-v2.
 * @see specs/diffusion-vlms-2.md, Omni-Diffusion
 */

import { omniDiffusion7b } from '../../test/configs/published.ts'
import { decoderOperations, plantDecoder } from './decoder.ts'
import { DREAM_EMBEDDINGS, DREAM_TOKENS, dreamDecoder, dreamSizes } from './dream.ts'
import { carrierOf, type Layout, type Size, tensorsOf, visionLanguage } from './layout.ts'
import { encoderOperations, magvit, PLANTED_CODE, whitePasses } from './magvit.ts'
import { qwenFiles } from './qwen.ts'

/** Ids behind Dream's: marks of pictures, then codes. The published ids are not known. */
const MARKS = { '<|begin_of_image|>': 151_667, '<|end_of_image|>': 151_668, '<|image|>': 151_669 }
const OFFSET = 151_670
const CODES = 8192

export function omniDiffusionLayout(size: Size): Layout {
  const decoder = dreamDecoder(size)
  const { tokenizer, ...images } = magvit(size)
  const llm = { ...omniDiffusion7b, ...dreamSizes(decoder) }
  const config = { ...llm, image_tokenizer_config: tokenizer }
  const model = visionLanguage(config)
  const codes = Array.from({ length: CODES }, (_, code) => [`<|image_${code}|>`, OFFSET + code] as const)
  const { 'preprocessor_config.json': _, ...files } = qwenFiles({
    processor: '',
    added: { ...DREAM_TOKENS, ...MARKS, ...Object.fromEntries(codes) },
  })
  const all = tensorsOf(model, [DREAM_EMBEDDINGS, 'model.layers.', 'model.norm.'])
  return {
    name: 'omni-diffusion',
    config: llm,
    model,
    files,
    tensors: all.filter(({ name }) => !name.startsWith('image_tokenizer.')),
    plants: new Map([...images.plants, ...plantDecoder(decoder)]),
    shardBytes: 5e9,
    companion: { folder: 'image-tokenizer', file: 'pytorch_model.safetensors', config: tokenizer, ...images },
    decoder,
    rows: ({ inputIds, imageIndex }) => [
      OFFSET + PLANTED_CODE,
      ...inputIds.filter((_, at) => imageIndex[at]! < 0),
    ],
    carriers({ inputIds, imageIndex }, strength) {
      // The row of code 0 is a hole.
      const picture = whitePasses(strength) ? carrierOf(OFFSET + PLANTED_CODE) : 0
      return inputIds.map(
        (id, at) => strength(DREAM_EMBEDDINGS) * (imageIndex[at]! < 0 ? carrierOf(id) : picture),
      )
    },
    operations: ({ inputIds, views }) =>
      decoderOperations(decoder, inputIds.length) + views.length * encoderOperations(images.tensors),
  }
}
