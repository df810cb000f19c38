/**
 * @file A dual encoder in a benchmark: the words that its text tower is given. The rest is the
 * embedder's.
 */

import type { Item } from '../../inputs/data/item.ts'
import type { Embedder } from '../../models/embedder/embedder.ts'
import { type Subject, withState } from '../../models/embedder/subject.ts'
import { makerOf, type VectorMaker } from '../../models/embedder/vectors/maker.ts'

/**
 * The words for a text tower that was trained on captions: the text, or the part of an instruction
 * behind its colon ("Find me an image that matches the given caption: …"). An instruction without a
 * colon says what to do, not what is seen, so it is used only where the item has nothing else.
 */
export function captionOf({ instruction, text, image }: Item): string | undefined {
  if (text !== undefined) return text
  if (instruction === undefined) return undefined
  const colon = instruction.indexOf(': ')
  if (colon >= 0) return instruction.slice(colon + 2)
  return image === undefined ? instruction : undefined
}

/** An item as a dual encoder gets it in a benchmark: picture and caption. */
export function captioned(given: Item): Item {
  return { text: captionOf(given), image: given.image }
}

/**
 * A dual encoder as a benchmark runs it: a caption that is too long is cut, as the reference does.
 */
export function captionSubject(subject: Subject): Subject {
  return withState(subject, { contract: { truncation: 'reference' } })
}

/** The vectors of a dual encoder, each item as picture and caption. */
export async function captionMaker(embedder: Embedder, id: string): Promise<VectorMaker> {
  const item = captioned
  return await makerOf(embedder, { id, shown: { name: 'caption', item } })
}
