/** @file The image tokenizer as a second checkpoint. */

import type { Companion } from '../family.ts'
import { checkCodebook } from './codebook.ts'
import { IMAGE_TOKENIZER } from './weights.ts'

/** MAGVIT-v2, as MMaDA and Omni-Diffusion were trained with it. @see specs/mmada.md §1.4 */
export const magvitV2: Companion = {
  repository: 'showlab/magvitv2',
  folders: ['image-tokenizer', 'magvitv2'],
  weights: 'pytorch_model.safetensors',
  configKey: 'image_tokenizer_config',
  prefix: `${IMAGE_TOKENIZER}.`,
  check: checkCodebook,
}
