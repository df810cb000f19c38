/** @file Makers of vectors: an embedder, a baseline, anything that gives items their vectors. */

import { createHash } from 'node:crypto'
import type { Tensor } from '../../../foundation/numeric/tensor.ts'
import type { Item, KeyedItem } from '../../../inputs/data/item.ts'
import type { Embedder } from '../embedder.ts'
import { CONTRACT_READOUT, type SkippedItem } from '../embedding.ts'

/** Makes vectors of items: an embedder, or a baseline that needs no model. */
export interface VectorMaker {
  /** For messages. */
  readonly id: string
  /** Hexadecimal. Changes whenever the vectors would: vectors are stored under it. */
  readonly hash: string
  /** Names of the vectors that one pass gives, e.g. `mean`, `last`. */
  readonly readouts: readonly string[]
  /**
   * The vectors depend on these items alone, so that a resumed run gets the same bytes.
   * @throws InterruptedError; the error of the first bad item unless bad items are skipped
   */
  embed(items: readonly KeyedItem[], options: MakeOptions): Promise<MadeVectors>
}

interface MakeOptions {
  signal?: AbortSignal
  onProgress?: (progress: { done: number }) => void
  /** Default `throw`. */
  badItems?: 'throw' | 'skip'
  /** Items of this model have given finite vectors: see `EmbedOptions.proven`. */
  proven?: boolean
  /** Where an item comes from, for the error of a bad one: see `EmbedOptions.placeOf`. */
  placeOf?: (index: number) => string | undefined
}

export interface MadeVectors {
  /** For each readout `[kept items, dim]`, unit vectors. */
  readonly vectors: Readonly<Record<string, Tensor<'f32'>>>
  /** Items without vectors, `index` among the given ones in rising order; default none. */
  readonly skipped?: readonly SkippedItem[]
}

export interface MakerOptions {
  /** For messages. */
  id: string
  /** Which of the further readouts to compute, by name; default all. */
  readouts?: readonly string[]
  /**
   * Changes an item before the embedder gets it; its name joins the hash. The key of the item must
   * stand for all that `item` uses.
   */
  shown?: { name: string; item: (item: KeyedItem) => Item }
}

/**
 * An embedder as a maker of stored vectors: the contract's readout is called `vector`, further ones
 * have their own names.
 * @throws FileError `file/read`
 */
export async function makerOf(
  embedder: Embedder,
  { id, readouts, shown }: MakerOptions,
): Promise<VectorMaker> {
  const fingerprint = await embedder.fingerprint()
  const show = shown?.item ?? ((item: KeyedItem) => item)
  return {
    id,
    hash: shown === undefined ? fingerprint : sha256(`${fingerprint} ${shown.name}`),
    readouts: embedder.readouts.filter((name, i) => i === 0 || (readouts?.includes(name) ?? true)),
    async embed(items, options) {
      // A blank text that is in the key is a text like any other.
      const made = await embedder.embed(items.map(show), { ...options, readouts, blank: 'embed' })
      return { vectors: { [CONTRACT_READOUT]: made.vectors, ...made.readouts }, skipped: made.skipped }
    },
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
