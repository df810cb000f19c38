/**
 * @file Vectors of many items through one model, kept in a folder: an interrupted run goes on where
 * it stopped, and ends with the same bytes.
 */

import { createHash } from 'node:crypto'
import { InterruptedError } from '../../../foundation/numeric/errors.ts'
import type { Tensor } from '../../../foundation/numeric/tensor.ts'
import type { Item, KeyedItem } from '../../../inputs/data/item.ts'
import { chunks } from '../batching.ts'
import type { Embedder } from '../embedder.ts'
import { CONTRACT_READOUT, type SkippedItem } from '../embedding.ts'
import { EmbedderError } from '../errors.ts'
import { VectorFolder } from './folder.ts'
import type { StoredVectors } from './store.ts'

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

interface MadeVectors {
  /** For each readout `[kept items, dim]`, unit vectors. */
  readonly vectors: Readonly<Record<string, Tensor<'f32'>>>
  /** Items without vectors, `index` among the given ones in rising order; default none. */
  readonly skipped?: readonly SkippedItem[]
}

/** The vector of an item by its key. */
export type VectorOf = (key: string) => Float32Array

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
interface SkippedKey extends Omit<SkippedItem, 'index'> {
  readonly key: string
}

/** All vectors of one model that were asked for. */
export interface AllVectors {
  /** @throws EmbedderError `embedder/no-vector` */
  readonly of: (readout: string) => VectorOf
  /** Items that were taken from disk. */
  readonly resumed: number
  /** In the order of the items. */
  readonly skipped: readonly SkippedKey[]
}

/** Items of a chunk. An interrupted run computes at most so many again. */
const CHUNK = 256

/**
 * Gives the vectors of all items. Takes from `dir` what is there; computes the rest in chunks, and
 * writes each when it is whole. The borders of the chunks depend on the list of items alone, and a
 * vector's last bits on its chunk: a run that was killed and resumed ends with the same bytes.
 * @param dir   one folder for any number of models and lists of items; or the model's own folder in
 *   it, open already, where many lists of one model come one after the other
 * @param items equal keys count once
 * @throws EmbedderError `embedder/store` for a vector that is not finite, or of another form than
 *   its neighbours; FileError; InterruptedError; as `VectorMaker.embed`
 * @example
 * const embedder = await Embedder.load('bifocal:twin-ar')
 * const vectors = await embedAll('vectors', await makerOf(embedder, { id: 'twin-ar' }), items)
 * const score = dot(vectors.of('vector')(query.key), vectors.of('vector')(candidate.key))
 */
export async function embedAll(
  dir: string | VectorFolder,
  maker: VectorMaker,
  items: readonly KeyedItem[],
  { signal, onProgress, warn, badItems }: EmbedAllOptions = {},
): Promise<AllVectors> {
  const { id, readouts } = maker
  const folder = typeof dir === 'string' ? await vectorFolder(dir, maker, warn) : dir
  const distinct = distinctOf(items)
  // Read first: the items of a damaged chunk are then absent.
  const vectors = await folder.all(distinct.map(({ key }) => key))
  const { resumed, skipped } = await storeAll(folder, maker, distinct, {
    signal,
    onProgress,
    badItems,
    onStored: (entries) => {
      for (const entry of entries) vectors.set(entry.key, entry.vectors)
    },
  })
  return {
    resumed,
    skipped,
    of(readout) {
      const column = readouts.indexOf(readout)
      return (key) => {
        const found = vectors.get(key)?.[column]
        if (found !== undefined) return found
        const message = `${id} has no ${readout} vector of "${key}"`
        const hint = 'Embed all items of the tasks before they are scored.'
        throw new EmbedderError('no-vector', { message, hint })
      }
    },
  }
}

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

/** Neighbours in a list of different items. The borders of the chunks follow from the list alone. */
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

/** Each item once. */
function distinctOf(items: readonly KeyedItem[]): KeyedItem[] {
  return [...new Map(items.map((item) => [item.key, item])).values()]
}

/** The folder, within `dir`, of the vectors of one model. @throws FileError */
export async function vectorFolder(
  dir: string,
  { hash: fingerprint, readouts }: VectorMaker,
  warn?: (message: string) => void,
): Promise<VectorFolder> {
  return await VectorFolder.open(dir, { fingerprint, readouts, warn })
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
