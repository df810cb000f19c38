/** @file The items of a micro-batch in order: their numbers, and which run first. */

import { type KeyedItem, pictureKey } from '../../inputs/data/item.ts'

/** Numbers of items and pictures, by which dropout knows them. */
export function numbersOf(items: readonly KeyedItem[]): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>()
  for (const [number, { key, image }] of items.entries()) {
    numbers.set(key, number)
    const picture = pictureKey(image)
    if (picture !== undefined && !numbers.has(picture)) numbers.set(picture, number)
  }
  return numbers
}

/**
 * Items in the order in which they run: those with the most pictures, then those with the longest
 * texts, as far as that can be told without decoding a picture.
 */
export function longestFirst(items: readonly KeyedItem[]): KeyedItem[] {
  const words = ({ instruction = '', text = '' }: KeyedItem) => instruction.length + text.length
  const pictures = ({ image = [] }: KeyedItem) => image.length
  return [...items].sort((a, b) => pictures(b) - pictures(a) || words(b) - words(a))
}
