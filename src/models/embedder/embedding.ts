/**
 * @file One call of `embed`: finds repeats, prepares items in windows (one while the one before it
 * runs), tells bad items apart, and puts vectors in the order of the items.
 */

import { BifocalError, InterruptedError, located, UsageError } from '../../foundation/numeric/errors.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { type GivenItem, plainItem } from '../../inputs/data/given.ts'
import { type BlankTexts, keyItem } from '../../inputs/data/item.ts'
import type { Encodable, EncodeOptions, Encoder } from './encoder.ts'
import type { VectorStore } from './vectors/store.ts'
import { VectorTable } from './vectors/table.ts'

export interface EmbedOptions {
  signal?: AbortSignal
  onProgress?: (progress: { done: number; total?: number }) => void
  /** For the progress, where the items are not an array. */
  total?: number
  /** For items that bring none, instead of the contract's. */
  instruction?: string
  /**
   * `refuse` (default): a blank text counts as absent, and an item of nothing else is bad. `embed`:
   * it is embedded as it stands, where it has at least one token.
   */
  blank?: BlankTexts
  /** Which of `LoadOptions.readouts` to compute, by name; default all. */
  readouts?: readonly string[]
  /** Leading elements to keep (Matryoshka), at unit length again; default all. */
  dims?: number
  /** `throw` (default) ends at the first bad item, `skip` reports it and goes on. */
  badItems?: 'throw' | 'skip'
  /**
   * Says that the model has given finite vectors before. Otherwise a call ends, bad items skipped
   * or not, where the first eight items give none: the weights are then at fault.
   */
  proven?: boolean
  /**
   * Where an item comes from, for the error that ends a call at it; default: `items[INDEX]`.
   * @param index its position among the items
   */
  placeOf?: (index: number) => string | undefined
  /**
   * Gives the vectors of an earlier run, and keeps those of this run, batch by batch. Its readouts
   * are those that are computed: `vector`, the contract's own, then the further ones.
   */
  store?: VectorStore
}

export interface SkippedItem {
  /** Position among the given items. */
  index: number
  code: string
  message: string
  hint: string
}

export interface Embeddings {
  /** `[kept, dim] f32`, unit vectors in the order of the items. */
  vectors: Tensor<'f32'>
  /** The same for each of `LoadOptions.readouts` that was asked for. */
  readouts: Record<string, Tensor<'f32'>>
  /**
   * Positions, among the given items, of the rows of `vectors`: all of them unless some were
   * skipped.
   */
  kept: number[]
  skipped: SkippedItem[]
  usage: {
    items: number
    /** Different items: equal ones are embedded once. */
    distinct: number
    /** Positions of the distinct items that were computed. */
    tokens: number
  }
}

/** Bytes of prepared items in a window; one waits while another runs. */
const READY_BYTES = 128 * 2 ** 20
/** The more items wait, the more equal are the lengths in a batch. */
const READY_ITEMS = 2048
/**
 * Number of failed items, with no finite vector before them, from which the weights are held to be
 * at fault.
 */
const HOPELESS = 8

/** Name of the contract's own readout among those of an embedder. */
export const CONTRACT_READOUT = 'vector'

interface Waiting {
  row: number
  key: string
  prepared: Encodable
}

/**
 * @param subject the contract's instruction, for items that bring none; names of all readouts, in
 *   the encoder's order, the contract's own first
 * @throws as `Embedder.embed`
 */
export async function embedItems(
  encoder: Encoder,
  subject: { instruction: string | undefined; readouts: readonly string[] },
  items: Iterable<GivenItem> | AsyncIterable<GivenItem>,
  options: EmbedOptions,
): Promise<Embeddings> {
  const total = options.total ?? (Array.isArray(items) ? items.length : undefined)
  const { instruction = subject.instruction } = options
  const run = new EmbeddingRun(encoder, subject.readouts, { ...options, total, instruction })
  try {
    for await (const item of items) await run.take(item)
    return await run.finish()
  } catch (error) {
    // The window that still runs came before the item that failed: its vectors are kept, and its
    // own error goes first.
    await run.settle()
    throw error
  }
}

/** @throws UsageError `usage/arguments` */
function checkReadouts({ readouts: stored }: VectorStore, readouts: readonly string[]): void {
  if (stored.length === readouts.length && stored.every((name, i) => name === readouts[i])) return
  throw new UsageError('arguments', {
    message: `the store keeps the readouts ${stored.join(', ')}; computed are ${readouts.join(', ')}`,
    hint: 'Open the store with the readouts that are computed, in their order.',
  })
}

/** Errors that end a run also where bad items are skipped: the next item would meet them too. */
const NOT_OF_THE_ITEM = ['embedder/dims', 'file/open-files']

/** Whether an error says that one item is bad, and nothing of the others. */
export function isItemFault(error: unknown): error is BifocalError {
  return error instanceof BifocalError && !NOT_OF_THE_ITEM.includes(error.code)
}

/** Items on their way: known by key, waiting for their batch, or with a row of vectors. */
class EmbeddingRun {
  readonly #encoder: Encoder
  /** Readouts that are computed, and the place of each among the encoder's. */
  readonly #names: readonly string[]
  readonly #places: readonly number[]
  readonly #options: EmbedOptions
  readonly #store: VectorStore | undefined
  /** For each readout, the vectors of the distinct items. */
  readonly #tables: VectorTable[]
  readonly #rowOf = new Map<string, number>()
  /** For each item its row, or why it has none. */
  readonly #outcome: (number | BifocalError)[] = []
  /** Why a row has no vector. */
  readonly #failures = new Map<number, BifocalError>()
  readonly #finished = new Set<number>()
  #waiting: Waiting[] = []
  /** The window before those that wait. */
  #running: Promise<void> = Promise.resolve()
  #failed = false
  #bytes = 0
  #tokens = 0
  /** Items that are done without a row of their own: repeats and bad ones. */
  #settled = 0

  /** @throws UsageError `usage/arguments` for a store of other readouts */
  constructor(encoder: Encoder, readouts: readonly string[], options: EmbedOptions) {
    this.#encoder = encoder
    this.#names = readouts.filter((name, i) => i === 0 || (options.readouts?.includes(name) ?? true))
    this.#places = this.#names.map((name) => readouts.indexOf(name))
    this.#options = options
    this.#store = options.store
    if (this.#store !== undefined) checkReadouts(this.#store, this.#names)
    this.#tables = this.#names.map(() => new VectorTable({ rows: options.total, dims: options.dims }))
  }

  async take(item: GivenItem): Promise<void> {
    const { signal, badItems = 'throw' } = this.#options
    if (signal?.aborted) throw new InterruptedError('embedding', signal)
    if (this.#failed) await this.settle()
    try {
      this.#outcome.push(await this.#admit(item))
    } catch (error) {
      // Too many `dims` are no fault of the item.
      if (!isItemFault(error)) throw error
      if (badItems === 'throw') throw this.#placed(error, this.#outcome.length)
      this.#outcome.push(error)
      this.#settled += 1
    }
    if (this.#bytes > READY_BYTES || this.#waiting.length >= READY_ITEMS) await this.#flush()
  }

  /** Waits for the window that runs. @throws the error of that window */
  async settle(): Promise<void> {
    await this.#running
  }

  async finish(): Promise<Embeddings> {
    await this.#flush()
    await this.settle()
    this.#progress()
    this.#checkHopeless()
    const outcome = this.#outcome
    const reasons = outcome.map((result) =>
      typeof result === 'number' ? this.#failures.get(result) : result,
    )
    const kept = outcome.flatMap((_, index) => (reasons[index] === undefined ? [index] : []))
    const rows = kept.map((index) => Number(outcome[index]))
    const [vectors, ...further] = this.#tables.map((table) => table.take(rows))
    const [, ...names] = this.#names
    return {
      vectors: vectors!,
      readouts: Object.fromEntries(names.map((name, i) => [name, further[i]!])),
      kept,
      skipped: reasons.flatMap((error, index) =>
        error === undefined ? [] : [{ index, code: error.code, message: error.message, hint: error.hint }],
      ),
      usage: { items: kept.length, distinct: this.#rowOf.size - this.#failures.size, tokens: this.#tokens },
    }
  }

  /** Several items and no finite vector among them: the weights are at fault. */
  #checkHopeless(): void {
    const [first] = this.#failures.values()
    if (first === undefined || this.#options.proven || this.#failures.size < 2) return
    if (this.#finished.size === 0) throw first
  }

  /** @returns the item's row; a new item joins those that wait */
  async #admit(item: GivenItem): Promise<number> {
    const { instruction, blank } = this.#options
    const keyed = await keyItem(await plainItem(item), instruction, blank)
    const { key } = keyed
    const known = this.#rowOf.get(key)
    if (known !== undefined) {
      this.#settled += 1
      return known
    }
    const row = this.#rowOf.size
    const stored = await this.#store?.get(key)
    if (stored === undefined) {
      const prepared = await this.#encoder.prepare(keyed)
      this.#waiting.push({ row, key, prepared })
      this.#bytes += prepared.bytes
      this.#tokens += prepared.tokens
    } else {
      this.#finish(row, stored)
    }
    this.#rowOf.set(key, row)
    return row
  }

  /** Starts the window that waits when the one before it is done. */
  async #flush(): Promise<void> {
    await this.settle()
    const batch = this.#waiting
    this.#waiting = []
    this.#bytes = 0
    if (batch.length === 0) return
    this.#running = this.#encodeSound(batch)
    // `settle` reports this error. It is caught here too, so that Node sees no unhandled rejection.
    this.#running.catch(() => {
      this.#failed = true
    })
  }

  /**
   * Halves what gives a NaN until the item that does is alone; the first by position, so that a
   * strict run names it whatever ran first. What ran before the NaN is not run again.
   */
  async #encodeSound(batch: readonly Waiting[]): Promise<void> {
    try {
      await this.#encode(batch)
    } catch (error) {
      if (!(error instanceof BifocalError) || error.code !== 'runtime/not-finite') throw error
      const proven = this.#options.proven || this.#finished.size > 0
      if (this.#failures.size >= HOPELESS && !proven) throw error
      const left = batch.filter(({ row }) => !this.#finished.has(row))
      const [only] = left
      if (left.length > 1) for (const half of halves(left)) await this.#encodeSound(half)
      else if (only !== undefined) this.#fail(only.row, error)
    }
  }

  #fail(row: number, error: BifocalError): void {
    if (this.#options.badItems !== 'skip') throw this.#placed(error, this.#outcome.indexOf(row))
    this.#failures.set(row, error)
  }

  #placed(error: BifocalError, index: number): BifocalError {
    const { placeOf = (at: number) => `items[${at}]` } = this.#options
    const place = placeOf(index)
    return place === undefined ? error : located(error, place)
  }

  async #encode(batch: readonly Waiting[]): Promise<void> {
    const onBatch: EncodeOptions['onBatch'] = async (places, columns) => {
      const made = places.map((place, i) => ({
        ...batch[place]!,
        vectors: columns.map((column) => column[i]!),
      }))
      await this.#store?.put(made.map(({ key, vectors }) => ({ key, vectors })))
      for (const { row, vectors } of made) this.#finish(row, vectors)
      this.#progress()
    }
    const prepared = batch.map((waiting) => waiting.prepared)
    const { signal } = this.#options
    await this.#encoder.encode(prepared, { signal, onBatch, readouts: this.#places })
  }

  #finish(row: number, vectors: readonly Float32Array[]): void {
    for (const [i, vector] of vectors.entries()) this.#tables[i]!.set(row, vector)
    this.#finished.add(row)
  }

  #progress(): void {
    const { onProgress, total } = this.#options
    onProgress?.({ done: this.#settled + this.#finished.size, total })
  }
}

function halves<T>(list: readonly T[]): readonly T[][] {
  const middle = list.length >> 1
  return [list.slice(0, middle), list.slice(middle)]
}
