/** @file Pairs of items as an analysis takes them: an image side and a text side. */

import { InterruptedError } from '../../foundation/numeric/errors.ts'
import { type KeyedItem, keyed, pictureKey } from '../../inputs/data/item.ts'
import type { PairSource } from '../../inputs/data/pairs/source.ts'

/** One image and its text. */
export interface ItemPair {
  readonly image: KeyedItem
  readonly text: KeyedItem
  /** Pairs of one picture are drawn together. */
  readonly cluster: string
  /** Whether the image side is the query. */
  readonly forward: boolean
}

export interface ItemPairs {
  readonly pairs: readonly ItemPair[]
  /** Sentences: what was left out, and why. */
  readonly notes: readonly string[]
}

/**
 * Reads pairs. Of pairs with an equal item on a side the first one is kept: the others would count
 * as its mismatches.
 * @param most pairs that are kept
 * @throws as `PairSource.read`; InterruptedError
 */
export async function itemPairs(
  sources: readonly PairSource[],
  most: number,
  signal?: AbortSignal,
): Promise<ItemPairs> {
  const pairs: ItemPair[] = []
  const seen = { image: new Set<string>(), text: new Set<string>() }
  let [repeated, alike, beyond] = [0, 0, 0]
  for (const source of sources) {
    for (let row = 0; row < source.rows; row++) {
      if (signal?.aborted) throw new InterruptedError(`reading ${source.name}`, signal)
      if (pairs.length === most) {
        beyond += source.rows - row
        break
      }
      const { query, target } = await source.read(row, signal)
      const [ofQuery, ofTarget] = [query.image !== undefined, target.image !== undefined]
      if (ofQuery === ofTarget) alike += 1
      const forward = ofQuery || !ofTarget
      const [image, text] = forward ? [query, target] : [target, query]
      if (seen.image.has(image.key) || seen.text.has(text.key)) {
        repeated += 1
        continue
      }
      seen.image.add(image.key)
      seen.text.add(text.key)
      pairs.push({ image, text, forward, cluster: pictureKey(image.image) ?? image.key })
    }
  }
  const notes = [
    ...(repeated > 0
      ? [`${left(repeated)} because an item of theirs had come before: each item counts once`]
      : []),
    ...(beyond > 0 ? [`${left(beyond)}: the first ${most} are analysed (--limit)`] : []),
    ...(alike > 0
      ? [`pairs whose sides both hold a picture, or neither: ${alike}; "image" stands for their query`]
      : []),
  ]
  return { pairs, notes }
}

function left(count: number): string {
  return count === 1 ? '1 pair was left out' : `${count} pairs were left out`
}

/** An item of text and picture, and the same with one of them taken away or exchanged. */
export interface FusedItem {
  /** Place of its pair. */
  readonly pair: number
  readonly fused: KeyedItem
  readonly imageAlone: KeyedItem
  readonly textAlone: KeyedItem
  readonly otherImage: KeyedItem
  readonly otherText: KeyedItem
}

/** Those of one side that hold both text and picture; each borrows from the next one. */
export function fusedItems(pairs: readonly ItemPair[], side: 'image' | 'text'): FusedItem[] {
  const both = pairs.flatMap((pair, i) => {
    const item = pair[side]
    return item.image !== undefined && item.text !== undefined ? [{ pair: i, item }] : []
  })
  return both.map(({ pair, item }, i) => {
    const next = both[(i + 1) % both.length]!.item
    const { instruction, text, image } = item
    return {
      pair,
      fused: item,
      imageAlone: keyed({ instruction, image }),
      textAlone: keyed({ instruction, text }),
      otherImage: keyed({ instruction, text, image: next.image }),
      otherText: keyed({ instruction, text: next.text, image }),
    }
  })
}
