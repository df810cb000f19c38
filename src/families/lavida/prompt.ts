/**
 * @file The prompt around the picture: tokens between placeholders, and the places of image rows in the sequence.
 * @see specs/lavida.md §5.2, §5.3
 */

import type { Tokenizer } from '../../text/tokenizer.ts'

/** Literal text that stands for a picture, and the pseudo-id that stands for it among token ids. */
export const PLACEHOLDER = '<image>'
export const IMAGE_ID = -200

/**
 * Token ids of a prompt, each chunk between placeholders on its own.
 * @param dropTokenAfterImage as the reference's inference code: where the first chunk starts with the tokenizer's bos, the first token of each
 *   later chunk is taken for a bos too and lost (on LLaDA the newline after the picture; on Dream nothing). Training keeps it, so it is kept
 *   by default.
 */
export function promptIds(prompt: string, tokenizer: Tokenizer, { dropTokenAfterImage = false } = {}): number[] {
  const chunks = prompt.split(PLACEHOLDER).map((chunk) => tokenizer.encode(chunk))
  const startsWithBos = tokenizer.special.bos !== undefined && chunks[0]?.[0] === tokenizer.special.bos
  const from = dropTokenAfterImage && startsWithBos ? 1 : 0
  return chunks.flatMap((chunk, i) => (i === 0 ? chunk : [IMAGE_ID, ...chunk.slice(from)]))
}

/** A sequence with pictures in it. */
export interface SplicedRow {
  /** `[seq]`; image positions hold 0. */
  inputIds: number[]
  /** `[seq]`; −1 at text, else a row of the item's image table. */
  imageIndex: number[]
  /** Start and end of each picture's tokens. */
  images: [start: number, end: number][]
}

/**
 * Puts each picture's rows in the place of its pseudo-id.
 * @param ids    token ids, −200 where a picture stands
 * @param images rows of the image table, picture by picture; as many as there are pseudo-ids
 */
export function splice(ids: readonly number[], images: readonly (readonly number[])[]): SplicedRow {
  const row: SplicedRow = { inputIds: [], imageIndex: [], images: [] }
  for (const id of ids) {
    if (id !== IMAGE_ID) {
      row.inputIds.push(id)
      row.imageIndex.push(-1)
      continue
    }
    const rows = images[row.images.length] ?? []
    const start = row.inputIds.length
    row.images.push([start, start + rows.length])
    for (const index of rows) {
      row.inputIds.push(0)
      row.imageIndex.push(index)
    }
  }
  return row
}
