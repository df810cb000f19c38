/**
 * @file config.json of Omni-Diffusion, which is Dream's with a longer vocabulary, and of the image
 * tokenizer beside it. No key says anything about pictures.
 * @see specs/diffusion-vlms-2.md, Omni-Diffusion
 */

import { z } from 'zod'
import { parseConfigWith, withDefault } from '../config.ts'
import { textConfigs } from '../decoders/config.ts'
import type { HuggingFaceDecoder } from '../decoders/hugging-face.ts'
import { type ConvolutionStack, imageTokenizerSchema, PUBLISHED } from '../mmada/config.ts'

export interface OmniDiffusionConfig extends HuggingFaceDecoder {
  readonly encoder: ConvolutionStack
  /** Side of the pictures in pixels, and pixels of a token's side. */
  readonly resolution: number
  readonly factor: number
  /** Number of image codes. */
  readonly codebook: number
}

const schema = z.looseObject({
  tie_word_embeddings: withDefault(z.boolean(), false),
  image_tokenizer_config: imageTokenizerSchema.optional(),
})

/** @throws FamilyError `family/config` */
export function parseOmniDiffusionConfig(json: unknown): OmniDiffusionConfig {
  const where = 'omni-diffusion config'
  const text = parseConfigWith(textConfigs.qwen2, json, where)
  const { tie_word_embeddings: tied, image_tokenizer_config: given } = parseConfigWith(schema, json, where)
  const { encoder, resolution } = given ?? PUBLISHED
  const factor = 2 ** (encoder.multipliers.length - 1)
  const side = z.int().multipleOf(factor, `must be a multiple of ${factor}, the pixels of a token`)
  parseConfigWith(z.object({ resolution: side }), { resolution }, where)
  return { text, tied, encoder, resolution, factor, codebook: 2 ** encoder.bits }
}

/** Tokens of a picture. */
export function imageTokens({
  resolution,
  factor,
}: Pick<OmniDiffusionConfig, 'resolution' | 'factor'>): number {
  return (resolution / factor) ** 2
}
