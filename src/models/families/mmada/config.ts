/**
 * @file config.json of MMaDA and of its image tokenizer. The tokenizer lies in a repository of its
 * own, whose published config holds no sizes: they are constants of its code. `openModel` joins the
 * second config under `image_tokenizer_config`.
 * @see specs/mmada.md §1.2, §1.4
 */

import { z } from 'zod'
import { parseConfigWith, whole } from '../config.ts'
import { headProblems, type LladaShape, lladaKeys, lladaShape } from '../decoders/llada.ts'
import { FamilyError } from '../errors.ts'
import { GROUPS } from './image-tokenizer.ts'

/** Sizes of the encoder or the decoder of an image tokenizer. */
export interface ConvolutionStack {
  /** Channels at the first level. */
  readonly width: number
  /** Of `width`, for each level; the picture is halved between levels. */
  readonly multipliers: readonly number[]
  /** Residual blocks of each level. */
  readonly blocks: readonly number[]
  /** Channels of a latent: bits of a code. */
  readonly bits: number
}

/** How a picture becomes a square. @see specs/mmada.md §3.1 */
const IMAGE_FITS = ['crop', 'squash', 'pad'] as const
export type ImageFit = (typeof IMAGE_FITS)[number]

export interface MmadaConfig {
  readonly decoder: LladaShape
  readonly encoder: ConvolutionStack
  readonly imageDecoder: ConvolutionStack
  /** Side of the pictures in pixels. */
  readonly resolution: number
  /** Pixels of a token's side. */
  readonly factor: number
  /** Number of image codes. */
  readonly codebook: number
  readonly imageFit: ImageFit
  /** Id of code 0; undefined: the tokenizer's length. */
  readonly imageTokenOffset: number | undefined
  /** Rows of the table before the codes were appended: tells published vocabularies. */
  readonly textRows: number
  readonly maskId: number
}

/** Constants of the published tokenizer's code. */
export const PUBLISHED = {
  encoder: { width: 128, multipliers: [1, 2, 2, 4, 4], blocks: [4, 3, 4, 3, 4], bits: 13 },
  imageDecoder: { width: 128, multipliers: [1, 1, 2, 2, 4], blocks: [4, 4, 3, 4, 3], bits: 13 },
  resolution: 512,
} satisfies Pick<MmadaConfig, 'encoder' | 'imageDecoder' | 'resolution'>

const stack = z
  .looseObject({
    ch: whole,
    ch_mult: z.array(whole).min(1),
    num_res_blocks: z.array(whole).min(1),
    z_channels: z.int().min(1).max(16),
    double_z: z.literal(false).optional(),
    resolution: whole.optional(),
    attn_resolutions: z.array(whole).default([]),
  })
  .refine(
    (json) => json.ch_mult.length === json.num_res_blocks.length,
    'ch_mult and num_res_blocks must have one number for each level',
  )
  .refine(
    (json) => json.ch_mult.every((multiplier) => (json.ch * multiplier) % GROUPS === 0),
    `${GROUPS} groups must divide every width`,
  )
  .refine(
    ({ resolution = 256, ch_mult, attn_resolutions }) =>
      ch_mult.every((_, level) => !attn_resolutions.includes(resolution / 2 ** level)),
    'attn_resolutions must name no level: published tokenizers have attention in the middle only',
  )
  .transform((json) => ({
    stack: { width: json.ch, multipliers: json.ch_mult, blocks: json.num_res_blocks, bits: json.z_channels },
    resolution: json.resolution,
  }))

/** Without `encoder`, the published sizes; an `encoder` alone stands for both. */
export const imageTokenizerSchema = z
  .looseObject({ encoder: stack.optional(), decoder: stack.optional() })
  .transform(({ encoder, decoder = encoder }) => ({
    encoder: encoder?.stack ?? PUBLISHED.encoder,
    imageDecoder: decoder?.stack ?? PUBLISHED.imageDecoder,
    resolution: encoder?.resolution ?? PUBLISHED.resolution,
  }))

/**
 * `image_resolution`, `image_fit` and `image_token_offset` are bifocal's own keys: the reference
 * takes them from scripts. `num_vq_tokens` is not read: published files carry a value of an early
 * stage.
 */
const schema = lladaKeys.extend({
  model_type: z.literal('mmada'),
  embedding_size: whole,
  new_vocab_size: whole,
  llm_vocab_size: whole,
  codebook_size: whole,
  weight_tying: z.literal(false),
  layer_norm_with_affine: z.literal(true),
  bias_for_layer_norm: z.literal(false),
  image_resolution: whole.optional(),
  image_fit: z.enum(IMAGE_FITS).default('crop'),
  image_token_offset: whole.optional(),
  image_tokenizer_config: imageTokenizerSchema.optional(),
})

/**
 * @throws FamilyError `family/config` naming the keys that are missing, or has a value that this
 *   family does not compute
 */
export function parseMmadaConfig(json: unknown): MmadaConfig {
  const parsed = parseConfigWith(schema, json, 'mmada config')
  const decoder = lladaShape(parsed)
  const tokenizer = parsed.image_tokenizer_config ?? PUBLISHED
  const { encoder, imageDecoder } = tokenizer
  const resolution = parsed.image_resolution ?? tokenizer.resolution
  const factor = 2 ** (encoder.multipliers.length - 1)
  const {
    codebook_size: codebook,
    new_vocab_size: rows,
    vocab_size: vocabulary,
    image_token_offset: offset,
  } = parsed
  const problems = headProblems(decoder)
  if (rows !== decoder.vocabulary || vocabulary !== decoder.vocabulary)
    problems.push(
      `vocab_size ${vocabulary}, embedding_size ${decoder.vocabulary} and new_vocab_size ${rows} must be one number`,
    )
  if (codebook !== 2 ** encoder.bits)
    problems.push(`codebook_size ${codebook} is not 2^${encoder.bits}, as z_channels asks for`)
  if (imageDecoder.bits !== encoder.bits)
    problems.push(`z_channels: ${encoder.bits} in the encoder, ${imageDecoder.bits} in the decoder`)
  if (resolution % factor !== 0)
    problems.push(`pictures of ${resolution} pixels cannot be cut into tokens of ${factor}`)
  if (offset !== undefined && offset + codebook > decoder.vocabulary)
    problems.push(
      `image_token_offset ${offset}: ${codebook} codes do not fit into a table of ${decoder.vocabulary} rows`,
    )
  if (problems.length > 0) {
    throw new FamilyError('config', {
      message: `this is no MMaDA model that can be computed: ${problems.join('; ')}`,
      hint: 'Take config.json from the repository of the weights, and the image tokenizer that belongs to it.',
    })
  }
  return {
    decoder,
    encoder,
    imageDecoder,
    resolution,
    factor,
    codebook,
    imageFit: parsed.image_fit,
    imageTokenOffset: offset,
    textRows: parsed.llm_vocab_size,
    maskId: parsed.mask_token_id,
  }
}

/** Tokens of a picture. */
export function imageTokens({ resolution, factor }: Pick<MmadaConfig, 'resolution' | 'factor'>): number {
  return (resolution / factor) ** 2
}
