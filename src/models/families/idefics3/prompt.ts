/** @file Idefics3's words around the views of a picture. */

import { FamilyError } from '../errors.ts'

/** Tiles from top to bottom and from left to right, 0 for a picture of one view. */
export interface TileCount {
  readonly rows: number
  readonly columns: number
}

/** One for each picture in a prompt, and one for each view in an expanded prompt. */
const PLACEHOLDER = '<image>'

const AROUND = '<fake_token_around_image>'

/**
 * A picture's views in words: each tile by its place, counted from 1, a line break after each row;
 * the whole picture last. The placeholder stands once for all tokens of a view.
 * @see specs/ar-vlms.md §5.6
 */
export function viewWords({ rows, columns }: TileCount): string {
  const whole = `${AROUND}<global-img>${PLACEHOLDER}${AROUND}`
  if (rows === 0) return whole
  const row = (y: number) =>
    Array.from({ length: columns }, (_, x) => `${AROUND}<row_${y + 1}_col_${x + 1}>${PLACEHOLDER}`).join('')
  return `${Array.from({ length: rows }, (_, y) => `${row(y)}\n`).join('')}\n${whole}`
}

/**
 * Each placeholder becomes its picture's views. The result is to be tokenised as one text: the line
 * breaks may join their neighbours.
 * @param pictures in order; a prompt that is cut off may have fewer placeholders
 */
export function expandPrompt(prompt: string, pictures: readonly TileCount[]): string {
  const [first = '', ...rest] = prompt.split(PLACEHOLDER)
  return (
    first +
    rest.map((text, i) => (pictures[i] === undefined ? PLACEHOLDER : viewWords(pictures[i])) + text).join('')
  )
}

/** @throws FamilyError `family/image-count` unless the prompt has a placeholder for each picture */
export function checkPlaceholders(prompt: string, pictures: number): void {
  const placeholders = prompt.split(PLACEHOLDER).length - 1
  if (placeholders === pictures) return
  throw new FamilyError('image-count', {
    message: `the prompt has ${placeholders} image placeholders for ${pictures} pictures`,
    hint: `Put one ${PLACEHOLDER} into the prompt for each picture.`,
  })
}
