/** @file One call of `embed`: repeats found, items prepared in windows, bad ones told apart, vectors put in the order of the items. */

import { BifocalError, InterruptedError } from '../numeric/errors.ts'
import { f32, type Tensor } from '../numeric/tensor.ts'
import { leading } from './dual-encoder.ts'
import type { Encodable, Encoder } from './encoder.ts'
import { EmbedderError } from './errors.ts'
import { type EmbedItem, keyItem } from './input.ts'
import type { VectorStore } from './vector-store.ts'

export interface EmbedOptions {
  signal?: AbortSignal
  onProgress?: (progress: { done: number; total?: number }) => void
  /** For the progress, where the items are not an array. */
  total?: number
  /** For items that bring none, instead of the contract's. */
  instruction?: string
  /** Leading elements to keep (Matryoshka), at unit length again; default all. */
  dims?: number
  /** `throw` (default) ends at the first bad item, `skip` reports it and goes on. */
  badItems?: 'throw' | 'skip'
  /** Vectors of an earlier run, and where this one keeps its own batch by batch. Not used together with further readouts. */
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
  /** The same for each of `LoadOptions.readouts`. */
  readouts: Record<string, Tensor<'f32'>>
  /** Positions, among the given items, of the rows of `vectors`: all of them unless some were skipped. */
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

/** Bytes of prepared items that wait for their run. */
const READY_BYTES = 256 * 2 ** 20
/** The more items wait, the more equal are the lengths in a batch. */
const READY_ITEMS = 2048
/** So many items without one finite vector: the weights are at fault, not the items. */
const HOPELESS = 8

interface Waiting {
  row: number
  key: string
  prepared: Encodable
}

/**
 * @param subject what the contract says for items that bring no instruction, and the names of the further readouts in the encoder's order
 * @throws as `Embedder.embed`
 */
export async function embedItems(
  encoder: Encoder,
  subject: { instruction: string | undefined; names: readonly string[] },
  items: Iterable<EmbedItem> | AsyncIterable<EmbedItem>,
  options: EmbedOptions,
): Promise<Embeddings> {
  const { names } = subject
  const { signal, dims, badItems = 'throw', onProgress, instruction = subject.instruction } = options
  const store = names.length === 0 ? options.store : undefined
  const total = options.total ?? (Array.isArray(items) ? items.length : undefined)
  /** For each readout, the vectors of the distinct items. */
  const columns: Float32Array[][] = ['', ...names].map(() => [])
  const rowOf = new Map<string, number>()
  /** For each item its row, or why it has none. */
  const outcome: (number | BifocalError)[] = []
  const failures = new Map<number, BifocalError>()
  const finished = new Set<number>()
  let waiting: Waiting[] = []
  let [bytes, tokens, settled] = [0, 0, 0]
  const progress = () => onProgress?.({ done: settled + finished.size, total })

  const encode = async (batch: readonly Waiting[]) => {
    const made = await encoder.encode(
      batch.map(({ prepared }) => prepared),
      {
        signal,
        onBatch: async (places, vectors) => {
          await store?.put(places.map((place, i) => ({ key: batch[place]!.key, vector: vectors[i]! })))
          for (const place of places) finished.add(batch[place]!.row)
          progress()
        },
      },
    )
    for (const [i, column] of made.entries()) for (const [place, vector] of column.entries()) columns[i]![batch[place]!.row] = vector
  }
  /** Halves what gives a NaN until the item that does is alone. */
  const encodeSound = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      await encode(batch)
    } catch (error) {
      const mayGoOn = badItems === 'skip' && error instanceof BifocalError && error.code === 'runtime/not-finite'
      if (!mayGoOn || (failures.size >= HOPELESS && finished.size === 0)) throw error
      const [only] = batch
      if (batch.length > 1) for (const half of halves(batch)) await encodeSound(half)
      else if (only !== undefined) failures.set(only.row, error)
    }
  }
  const flush = async () => {
    const batch = waiting
    waiting = []
    bytes = 0
    if (batch.length > 0) await encodeSound(batch)
  }
  /** @returns the item's row; a new item joins those that wait */
  const admit = async (given: EmbedItem): Promise<number> => {
    const { key, read } = await keyItem(given, instruction)
    const known = rowOf.get(key)
    const stored = known === undefined ? store?.get(key) : undefined
    const row = known ?? rowOf.size
    if (known !== undefined) settled += 1
    else if (stored === undefined) {
      const prepared = encoder.prepare(await read())
      waiting.push({ row, key, prepared })
      bytes += prepared.bytes
      tokens += prepared.tokens
    } else {
      columns[0]![row] = stored
      finished.add(row)
    }
    rowOf.set(key, row)
    return row
  }

  for await (const given of items) {
    if (signal?.aborted) throw new InterruptedError('embedding')
    try {
      outcome.push(await admit(given))
    } catch (error) {
      if (badItems === 'throw' || !(error instanceof BifocalError)) throw error
      outcome.push(error)
      settled += 1
    }
    if (bytes > READY_BYTES || waiting.length >= READY_ITEMS) await flush()
  }
  await flush()
  progress()

  const reasons = outcome.map((result) => (typeof result === 'number' ? failures.get(result) : result))
  const kept = outcome.flatMap((_, index) => (reasons[index] === undefined ? [index] : []))
  const matrix = (column: readonly Float32Array[]) =>
    stacked(
      kept.map((index) => column[Number(outcome[index])]!),
      dims,
    )
  const [first = [], ...others] = columns
  return {
    vectors: matrix(first),
    readouts: Object.fromEntries(names.map((name, i) => [name, matrix(others[i]!)])),
    kept,
    skipped: reasons.flatMap((error, index) =>
      error === undefined ? [] : [{ index, code: error.code, message: error.message, hint: error.hint }],
    ),
    usage: { items: kept.length, distinct: rowOf.size - failures.size, tokens },
  }
}

function halves<T>(list: readonly T[]): readonly T[][] {
  const middle = list.length >> 1
  return [list.slice(0, middle), list.slice(middle)]
}

/** @throws EmbedderError `embedder/dims` when fewer elements are there than are to be kept */
function stacked(vectors: readonly Float32Array[], dims: number | undefined): Tensor<'f32'> {
  const full = vectors[0]?.length ?? 0
  if (dims !== undefined && vectors.length > 0 && (dims < 1 || dims > full)) {
    throw new EmbedderError('dims', {
      message: `dims ${dims}: the vectors have ${full} elements`,
      hint: `Take a number from 1 to ${full}.`,
    })
  }
  const width = vectors.length === 0 ? 0 : (dims ?? full)
  const data = new Float32Array(vectors.length * width)
  for (const [i, vector] of vectors.entries()) data.set(width === full ? vector : leading(vector, width), i * width)
  return f32([vectors.length, width], data)
}
