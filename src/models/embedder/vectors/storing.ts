/**
 * @file Computes the vectors that a folder lacks, chunk by chunk, and stores each chunk when it is
 * whole. The machines of a group share the chunks of a list.
 */

import { InterruptedError } from '../../../foundation/numeric/errors.ts'
import { distinctOf, type KeyedItem } from '../../../inputs/data/item.ts'
import { chunks } from '../batching.ts'
import type { SkippedItem } from '../embedding.ts'
import { EmbedderError } from '../errors.ts'
import type { VectorFolder } from './folder.ts'
import type { MadeVectors, VectorMaker } from './maker.ts'
import type { StoredVectors } from './store.ts'

interface EmbedProgress {
  /** Items that have a vector, of `total`. */
  done: number
  total: number
}

export interface EmbedAllOptions {
  signal?: AbortSignal
  onProgress?: (progress: EmbedProgress) => void
  /** Told of files that are damaged: their items are computed again. */
  warn?: (message: string) => void
  /** `throw` (default) ends at the first bad item, `skip` reports it and goes on. */
  badItems?: 'throw' | 'skip'
}

/** An item without vectors, and why. */
export interface SkippedKey extends Omit<SkippedItem, 'index'> {
  readonly key: string
}

/** Items of a chunk. An interrupted run computes at most so many again. */
const CHUNK = 256

/** One of several machines that share the chunks of a list. */
export interface Shard {
  /** From 1 to `of`. */
  readonly index: number
  readonly of: number
}

export interface StoreAllOptions extends Omit<EmbedAllOptions, 'warn'> {
  /** Only this machine's chunks; default all. */
  shard?: Shard
  /** Where an item comes from, for the error of a bad one. */
  placeOf?: (key: string) => string | undefined
  /** Whether an item is left out: it is known that it has no vector. */
  isKnown?: (key: string) => boolean
  /** Told of each chunk that was written. */
  onStored?: (entries: readonly StoredVectors[]) => void
}

/** Counts of distinct items. */
export interface StoredAll {
  /** Of this machine's chunks. */
  readonly items: number
  /** Items that had vectors before. */
  readonly resumed: number
  readonly computed: number
  /** In the order of the items. */
  readonly skipped: readonly SkippedKey[]
}

/** Neighbours in a list of different items. The list alone decides the borders of its chunks. */
export interface ItemChunk {
  readonly keys: readonly string[]
  /** The items in the same order. Called once at most, for one chunk after the other. */
  items(): readonly KeyedItem[] | Promise<readonly KeyedItem[]>
}

/** Cuts a list of different items, or of their keys, into the chunks that are stored. */
export function storedChunks<T>(distinct: readonly T[]): T[][] {
  return chunks(distinct, CHUNK)
}

/**
 * Stores the vectors of all items that have none in the folder. As `embedAll`, but holds the
 * vectors of one chunk at a time: a list may be longer than fits into memory.
 * @param items equal keys count once
 * @throws as `embedAll`
 */
export async function storeAll(
  folder: VectorFolder,
  maker: VectorMaker,
  items: readonly KeyedItem[],
  options: StoreAllOptions = {},
): Promise<StoredAll> {
  const all = storedChunks(distinctOf(items)).map((chunk) => ({
    keys: chunk.map(({ key }) => key),
    items: () => chunk,
  }))
  return await storeChunks(folder, maker, all, options)
}

/**
 * The same of items that need not be in memory: those of a chunk are asked for when they are
 * embedded.
 * @param all all chunks of the list, also those of other machines
 * @throws as `embedAll`, and what `ItemChunk.items` throws
 */
export async function storeChunks(
  folder: VectorFolder,
  maker: VectorMaker,
  all: readonly ItemChunk[],
  options: StoreAllOptions = {},
): Promise<StoredAll> {
  const { signal, onProgress, badItems, shard = { index: 1, of: 1 }, isKnown, onStored, placeOf } = options
  const own = all.filter((_, i) => i % shard.of === shard.index - 1)
  const total = own.reduce((sum, { keys }) => sum + keys.length, 0)
  const resumed = own.reduce((sum, { keys }) => sum + keys.filter((key) => folder.has(key)).length, 0)
  const skipped: SkippedKey[] = []
  let computed = 0
  const report = (more: number) => onProgress?.({ done: resumed + computed + skipped.length + more, total })
  for (const chunk of own) {
    if (signal?.aborted) throw new InterruptedError('embedding', signal)
    const absent = (key: string) => !folder.has(key) && !isKnown?.(key)
    if (!chunk.keys.some(absent)) continue
    const missing = (await chunk.items()).filter(({ key }) => absent(key))
    const made = await maker.embed(missing, {
      signal,
      badItems,
      proven: folder.size > 0,
      onProgress: ({ done }) => report(done),
      ...(placeOf && { placeOf: (index: number) => placeOf(missing[index]!.key) }),
    })
    const entries = entriesOf(missing, made, maker.readouts)
    await folder.put(entries)
    computed += entries.length
    onStored?.(entries)
    for (const { index, ...why } of made.skipped ?? []) skipped.push({ key: missing[index]!.key, ...why })
    report(0)
  }
  return { items: total, resumed, computed, skipped }
}

/** @throws EmbedderError `embedder/store` for tensors of another form than `MadeVectors` says */
function entriesOf(
  items: readonly KeyedItem[],
  { vectors, skipped = [] }: MadeVectors,
  readouts: readonly string[],
) {
  const bad = new Set(skipped.map(({ index }) => index))
  const kept = items.filter((_, index) => !bad.has(index))
  const columns = readouts.map((readout) => {
    const { data, dims } = vectors[readout] ?? {}
    const [rows, dim] = dims ?? []
    if (data !== undefined && dim !== undefined && rows === kept.length) return { data, dim }
    const message = `readout ${readout} is [${dims}], expected [${kept.length}, dim]`
    const hint = 'The program that made these vectors is at fault: nothing of them was written.'
    throw new EmbedderError('store', { message, hint })
  })
  return kept.map(({ key, instruction, text, image }, row) => ({
    key,
    about: { instruction, text, image: image?.map((picture) => picture.key) },
    vectors: columns.map(({ data, dim }) => data.slice(row * dim, (row + 1) * dim)),
  }))
}
