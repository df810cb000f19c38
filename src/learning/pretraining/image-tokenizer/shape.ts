/**
 * @file Sizes and settings of the image tokenizer that the discrete twins share, in MMaDA's layout
 * (MAGVIT-v2).
 * @see specs/mmada.md §8.1; specs/twins.md §5
 */

import type { ConvolutionStack } from '../../../models/families/mmada/config.ts'

/**
 * Pictures of 96 pixels are seen at half their size: a code then stands for 8 × 8 pixels, as large
 * a part of the picture as 16 × 16 pixels at full size, for a quarter of the work.
 */
export const CODE_PICTURE = 48

const MULTIPLIERS = [1, 1, 2, 2] as const

/** Codes that rebuild their picture, or that predict its caption too. */
type CodeKind = 'plain' | 'aligned'

export interface ImageTokenizer {
  readonly kind: CodeKind
  readonly stack: ConvolutionStack
}

/**
 * The image tokenizers by name. They differ in kind and in the bits of a code alone. The one of 10
 * bits uses about 380 of its 1,024 codes (its card counts them): more bits would not be filled. One
 * of 6 bits has 64, a sixth of those in use, so it tells what fewer codes cost.
 */
export const IMAGE_TOKENIZERS = {
  'image-tokenizer': { kind: 'plain', stack: stackOf(10) },
  'image-tokenizer-aligned': { kind: 'aligned', stack: stackOf(10) },
  'image-tokenizer-6': { kind: 'plain', stack: stackOf(6) },
} as const satisfies Readonly<Record<string, ImageTokenizer>>
export type ImageTokenizerName = keyof typeof IMAGE_TOKENIZERS

/** Pixels of a code's side, and codes of a picture: the same for every number of bits. */
export const CODE_SIDE = 2 ** (MULTIPLIERS.length - 1)
export const CODES = (CODE_PICTURE / CODE_SIDE) ** 2

/** config.json, with the constants that the published file leaves to its code. */
export function codeConfig(stack: ConvolutionStack) {
  return {
    _class_name: 'MAGVITv2',
    codebook_size: 2 ** stack.bits,
    encoder: configOf(stack),
    decoder: configOf(stack),
  } as const
}

export interface CodeTraining {
  /** Updates. */
  steps: number
  /** Pictures an update. */
  batch: number
  seed: number
}

export const CODE_TRAINING: CodeTraining = { steps: 8_000, batch: 32, seed: 20260206 }

/** Peak learning rate of AdamW, and updates of its warm-up; then it falls along a cosine to 0. */
export const CODE_RATE = 2e-3
export const CODE_WARMUP = 200

/**
 * The first updates pass latents on as they are, without signs, while the rate warms up. Not
 * longer: after 750 updates without signs the codes of 512 pictures were 20 different ones (278
 * after 75), because latents that may differ in size need not differ in sign.
 */
export const PLAIN_LATENTS = 100

function stackOf(bits: number): ConvolutionStack {
  return { width: 32, multipliers: [...MULTIPLIERS], blocks: [1, 1, 1, 1], bits }
}

function configOf({ width, multipliers, blocks, bits }: ConvolutionStack) {
  return {
    ch: width,
    ch_mult: multipliers,
    num_res_blocks: blocks,
    z_channels: bits,
    resolution: CODE_PICTURE,
    attn_resolutions: [],
  }
}
