/** @file Whether an item has words, and whether it has pictures. */

import type { Item } from '../../../inputs/data/item.ts'

/** Words that are not blank. */
export function hasWords({ instruction = '', text = '' }: Pick<Item, 'instruction' | 'text'>): boolean {
  return instruction.trim() !== '' || text.trim() !== ''
}

export function hasPicture({ image }: Pick<Item, 'image'>): boolean {
  return image !== undefined
}
