/**
 * @file A dual encoder as an embedding model of a benchmark: what its text tower is given, and the
 * rest is the embedder's.
 */

import type { Item } from '../../inputs/data/item.ts'
import { hashCheckpoint, openCheckpoint } from '../../models/checkpoint/folder.ts'
import { Embedder } from '../../models/embedder/embedder.ts'
import { makerOf, type VectorMaker } from '../../models/embedder/vectors/all.ts'

export interface DualEncoderOptions {
  id: string
  dir: string
  /** Default 1. */
  threads?: number
}

/**
 * What a text tower trained on captions is given: the text, or what an instruction says after its
 * colon ("Find me an image that matches the given caption: …"). An instruction without a colon says
 * what to do, not what is seen: it counts only where there is nothing else.
 */
export function captionOf({ instruction, text, image }: Item): string | undefined {
  if (text !== undefined) return text
  if (instruction === undefined) return undefined
  const colon = instruction.indexOf(': ')
  if (colon >= 0) return instruction.slice(colon + 2)
  return image === undefined ? instruction : undefined
}

/**
 * Opens the model of a folder. Captions that are too long are cut, as the reference does. Close it
 * when done.
 * @throws FamilyError, CheckpointError, RuntimeError for what the folder holds
 */
export async function dualEncoder({
  id,
  dir,
  threads = 1,
}: DualEncoderOptions): Promise<VectorMaker & { close(): Promise<void> }> {
  const embedder = await Embedder.load(dir, { threads, truncation: 'reference' })
  const item = (given: Item) => ({ text: captionOf(given), image: given.image })
  const maker = await makerOf(embedder, { id, shown: { name: 'caption', item } })
  // The hash of the checkpoint stands in results, so that it can be compared with the folder's.
  const hash = await hashCheckpoint(await openCheckpoint(dir))
  return { ...maker, hash, close: () => embedder.close() }
}
