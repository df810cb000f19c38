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

export const CODE_STACK: ConvolutionStack = {
  width: 32,
  multipliers: [1, 1, 2, 2],
  blocks: [1, 1, 1, 1],
  bits: 10,
}

/** Pixels of a code's side, and codes of a picture. */
export const CODE_SIDE = 2 ** (CODE_STACK.multipliers.length - 1)
export const CODES = (CODE_PICTURE / CODE_SIDE) ** 2

/** config.json, with the constants that the published file leaves to its code. */
export const CODE_CONFIG = {
  _class_name: 'MAGVITv2',
  codebook_size: 2 ** CODE_STACK.bits,
  encoder: configOf(CODE_STACK),
  decoder: configOf(CODE_STACK),
} as const

export interface CodeTraining {
  /** Updates. */
  steps: number
  /** Pictures an update. */
  batch: number
  seed: number
}

export const CODE_TRAINING: CodeTraining = { steps: 6_000, batch: 16, seed: 20260206 }

/** Peak learning rate of AdamW, and updates of its warm-up; then it falls along a cosine to 0. */
export const CODE_RATE = 2e-3
export const CODE_WARMUP = 200

/**
 * The first updates pass latents on as they are, without signs, while the rate warms up. Not
 * longer: after 750 updates without signs the codes of 512 pictures were 20 different ones (278
 * after 75), because latents that may differ in size need not differ in sign.
 */
export const PLAIN_LATENTS = 100

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
