/**
 * @file MMEB's texts carry a placeholder where the model's own token of a picture goes. An item has
 * its picture apart, and the prompt of a model puts it first: so the placeholder is taken out.
 * @see specs/vlm2vec-mmeb.md §2.3, DOUBT-1
 */

import { Unusable } from '../value.ts'

/** Stands for a picture in the texts of MMEB: the token of Phi-3.5-V. */
export const PLACEHOLDER = '<|image_1|>'

/**
 * How a placeholder in a text without a picture is read: `drop` takes it out with its line break,
 * `token-only` takes the token alone, `keep` leaves it, as the published code of MMEB-V1 does.
 */
export const STRAY = ['drop', 'keep', 'token-only'] as const
export type Stray = (typeof STRAY)[number]

/**
 * The text of an item whose pictures stand apart.
 * @param text with a placeholder for each picture
 * @param pictures of the item: none or one
 * @returns what follows the picture in the prompt; with its line break, where one stands there
 * @throws Unusable where placeholders and pictures are not as many, or the picture is not first
 * @example withoutPlaceholder('<|image_1|>\nFind a cat.\n', 1) // '\nFind a cat.\n'
 */
export function withoutPlaceholder(text: string, pictures: number, stray: Stray = 'drop'): string {
  const pieces = text.split(PLACEHOLDER)
  const count = pieces.length - 1
  if (pictures === 0) {
    if (count === 0 || stray === 'keep') return text
    return pieces
      .map((piece, i) => (i === 0 || stray === 'token-only' ? piece : piece.replace(/^[\n ]/, '')))
      .join('')
  }
  if (count !== pictures)
    throw new Unusable(`its text has ${count} times the placeholder ${PLACEHOLDER}, for ${pictures} pictures`)
  const [before = '', after = ''] = pieces
  if (before.trim() !== '')
    throw new Unusable(
      `its placeholder ${PLACEHOLDER} stands within the text, where no prompt puts a picture`,
    )
  // The prompt puts a space between picture and text, but not before a line break.
  return after.startsWith(' ') ? after.slice(1) : after
}
