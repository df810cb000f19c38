/** @file The embedding model that a folder holds, for library users: load, embed, close. */

import type { Adapter } from '../checkpoint/adapter.ts'
import { readAdapter } from '../checkpoint/adapter-folder.ts'
import { openCheckpoint } from '../checkpoint/folder.ts'
import { modelOf } from '../families/registry.ts'
import { BifocalError, InterruptedError } from '../numeric/errors.ts'
import { f32, type Tensor } from '../numeric/tensor.ts'
import type { Device } from '../runtime/devices.ts'
import type { MemoryMode } from '../runtime/placement.ts'
import { type Contract, defaultContract, readContract } from './contract.ts'
import { dualEncoder, leading } from './dual-encoder.ts'
import type { Encodable, Encoder, EncoderOptions } from './encoder.ts'
import { EmbedderError } from './errors.ts'
import { type EmbedItem, readItem } from './input.ts'
import type { Readout } from './readout.ts'
import { visionLanguageEncoder } from './vision-language.ts'

export interface LoadOptions {
  /** Default `cpu`. */
  device?: Device
  /** Default: all that the machine has. The same count gives the same bytes. */
  threads?: number
  /** Default `fast`. */
  memory?: MemoryMode
  /** Instead of the contract's. */
  attention?: Contract['attention']
  truncation?: Contract['truncation']
  /** Instead of the contract's readout; what is not given stays. */
  readout?: Partial<Readout>
  /** Further vectors of the same pass, by name. */
  readouts?: Readonly<Record<string, Readout>>
  /** A PEFT adapter folder, or an adapter in memory, instead of the contract's. */
  adapter?: string | Adapter
  /** Positions of a batch, padding included; default 4096. */
  tokenBudget?: number
  warn?: (message: string) => void
}

export interface EmbedOptions {
  signal?: AbortSignal
  onProgress?: (progress: { done: number; total: number }) => void
  /** Leading elements to keep (Matryoshka); default all. */
  dims?: number
  /** `throw` (default) ends at the first bad item, `skip` reports it and goes on. */
  badItems?: 'throw' | 'skip'
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
    /** Positions of the distinct items. */
    tokens: number
  }
}

/** Bytes of prepared items that wait for their run. */
const READY_BYTES = 256 * 2 ** 20
const READY_ITEMS = 512

export class Embedder {
  readonly contract: Contract
  /** The family's name. */
  readonly family: string
  readonly #encoder: Encoder
  readonly #readouts: readonly string[]

  private constructor(contract: Contract, family: string, encoder: Encoder, readouts: readonly string[]) {
    this.contract = contract
    this.family = family
    this.#encoder = encoder
    this.#readouts = readouts
  }

  /**
   * Opens a checkpoint folder of any family, or a folder with an `embedder.json`. No weight is read before the first item is embedded.
   * @throws EmbedderError, CheckpointError, FamilyError, TextError, MediaError for what the folder holds; RuntimeError for the device
   * @example
   * const embedder = await Embedder.load('models/twin-ar')
   * const { vectors } = await embedder.embed([{ text: 'a cat' }, { image: 'cat.png' }])
   * await embedder.close()
   */
  static async load(path: string, options: LoadOptions = {}): Promise<Embedder> {
    const located = await readContract(path)
    const checkpoint = await openCheckpoint(located?.base ?? path)
    const model = modelOf(checkpoint.config)
    const given = located?.contract ?? defaultContract(model)
    const { attention = given.attention, truncation = given.truncation, readouts = {} } = options
    const contract = { ...given, attention, truncation, readout: { ...given.readout, ...present(options.readout ?? {}) } }
    const from = options.adapter ?? located?.adapter
    const adapter = typeof from === 'string' ? await readAdapter(from) : from
    const { device, threads, memory, tokenBudget, warn } = options
    const shared: EncoderOptions = {
      checkpoint,
      contract,
      readouts: [contract.readout, ...Object.values(readouts)],
      adapter,
      device,
      threads,
      memory,
      tokenBudget,
      warn,
    }
    const encoder =
      model.kind === 'dual-encoder' ? erased(await dualEncoder(model, shared)) : erased(await visionLanguageEncoder(model, shared))
    return new Embedder(contract, model.family, encoder, Object.keys(readouts))
  }

  /**
   * Vectors of items. Equal items are embedded once, pictures that several items share run once; a vector does not depend on which items come
   * with it (up to rounding).
   * @throws EmbedderError `embedder/empty-item`, `embedder/dims`; FamilyError `family/too-long`; MediaError, FileError for pictures;
   * RuntimeError `runtime/not-finite`; InterruptedError
   */
  async embed(items: readonly EmbedItem[], options: EmbedOptions = {}): Promise<Embeddings> {
    const { signal, onProgress, dims, badItems = 'throw' } = options
    const skipped: SkippedItem[] = []
    const distinct = new Map<string, number>()
    const rowOf = new Map<number, number>()
    const vectors: Float32Array[][] = ['', ...this.#readouts].map(() => [])
    let ready: Encodable[] = []
    let [bytes, done, tokens] = [0, 0, 0]
    const flush = async () => {
      const made = await this.#encoder.encode(ready, {
        signal,
        onBatch: (count) => {
          done += count
          onProgress?.({ done, total: items.length })
        },
      })
      for (const [i, column] of made.entries()) vectors[i]!.push(...column)
      ready = []
      bytes = 0
    }
    for (const [index, given] of items.entries()) {
      if (signal?.aborted) throw new InterruptedError('embedding')
      try {
        const item = await readItem(given, this.contract.prompt.instruction)
        const known = distinct.get(item.key)
        rowOf.set(index, known ?? distinct.size)
        if (known !== undefined) {
          done += 1
          continue
        }
        const prepared = this.#encoder.prepare(item)
        distinct.set(item.key, distinct.size)
        ready.push(prepared)
        bytes += prepared.bytes
        tokens += prepared.tokens
      } catch (error) {
        if (badItems === 'throw' || !(error instanceof BifocalError)) throw error
        rowOf.delete(index)
        done += 1
        skipped.push({ index, code: error.code, message: error.message, hint: error.hint })
      }
      if (bytes > READY_BYTES || ready.length >= READY_ITEMS) await flush()
    }
    if (ready.length > 0) await flush()
    const kept = [...rowOf.keys()]
    const matrix = (column: readonly Float32Array[]) =>
      stacked(
        kept.map((index) => column[rowOf.get(index)!]!),
        dims,
      )
    const [first = [], ...others] = vectors
    return {
      vectors: matrix(first),
      readouts: Object.fromEntries(this.#readouts.map((name, i) => [name, matrix(others[i]!)])),
      kept,
      skipped,
      usage: { items: kept.length, distinct: distinct.size, tokens },
    }
  }

  /** Tensors of the files that the model does not use. */
  get unusedTensors(): readonly string[] {
    return this.#encoder.unused
  }

  async close(): Promise<void> {
    await this.#encoder.close()
  }
}

/** An encoder takes back what it prepared and nothing else; what that is stays its own business. */
function erased<Prepared extends Encodable>(encoder: Encoder<Prepared>): Encoder {
  const held = new WeakMap<Encodable, Prepared>()
  return {
    unused: encoder.unused,
    prepare(item) {
      const prepared = encoder.prepare(item)
      held.set(prepared, prepared)
      return prepared
    },
    encode: (items, options) =>
      encoder.encode(
        items.map((item) => held.get(item)!),
        options,
      ),
    close: () => encoder.close(),
  }
}

function present<T extends object>(given: T): Partial<T> {
  const kept: Partial<T> = { ...given }
  for (const key in kept) if (kept[key] === undefined) delete kept[key]
  return kept
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
