/**
 * @file Tensor names of MMaDA: LLaDA's, and the image tokenizer's under a prefix of their own.
 * @see specs/mmada.md §1.3, §1.5
 */

import { huggingFaceSpelling } from '../decoders/llada.ts'

/** The image tokenizer's files spell its tensors without this; `openModel` puts it in front. */
export const IMAGE_TOKENIZER = 'image_tokenizer'

/** The spellings under which files hold a tensor, the canonical one first. */
export function mmadaSpellings(name: string): string[] {
  return [...new Set([name, huggingFaceSpelling(name)])]
}
