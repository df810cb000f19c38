/** @file The known word that a misspelt one was probably meant to be. */

import { closest, distance } from 'fastest-levenshtein'

/**
 * @returns the nearest known word; undefined where none is near: more than a third of the letters
 *   would have to change
 * @example suggestion('txt', ['text', 'image']) // 'text'
 */
export function suggestion(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined
  const nearest = closest(word.toLowerCase(), [...known])
  const changes = distance(word.toLowerCase(), nearest.toLowerCase())
  return changes <= Math.max(1, Math.ceil(nearest.length / 3)) ? nearest : undefined
}
