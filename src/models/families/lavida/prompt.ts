/** @file Tokens of a prompt with pictures in it. @see specs/lavida.md §5.2 */

import type { Tokenizer } from '../../../inputs/text/tokenizer.ts'
import type { LavidaSettings } from './settings.ts'

/** Literal text that stands for a picture, and the pseudo-id that stands for it among token ids. */
export const PLACEHOLDER = '<image>'
export const IMAGE_ID = -200

/**
 * Token ids of a prompt, each chunk between placeholders on its own.
 * @param dropTokenAfterImage as the reference's inference code: where the first chunk starts with
 *   the tokenizer's bos, the first token of each later chunk is taken for a bos too and lost (on
 *   LLaDA the newline after the picture; on Dream nothing). Training keeps it, so it is kept by
 *   default.
 */
export function promptIds(
  prompt: string,
  tokenizer: Tokenizer,
  { dropTokenAfterImage = false }: LavidaSettings = {},
): number[] {
  const chunks = prompt.split(PLACEHOLDER).map((chunk) => tokenizer.encode(chunk))
  const startsWithBos = tokenizer.special.bos !== undefined && chunks[0]?.[0] === tokenizer.special.bos
  const from = dropTokenAfterImage && startsWithBos ? 1 : 0
  return chunks.flatMap((chunk, i) => (i === 0 ? chunk : [IMAGE_ID, ...chunk.slice(from)]))
}
