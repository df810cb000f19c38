/** @file The embedding model that a folder holds, for library users: load, embed, close. */

import type { Adapter } from '../checkpoint/adapter.ts'
import { readAdapter } from '../checkpoint/adapter-folder.ts'
import { openCheckpoint } from '../checkpoint/folder.ts'
import { modelOf } from '../families/registry.ts'
import type { Device } from '../runtime/devices.ts'
import type { MemoryMode } from '../runtime/placement.ts'
import { type Contract, defaultContract, readContract } from './contract.ts'
import { dualEncoder } from './dual-encoder.ts'
import { type Embeddings, type EmbedOptions, embedItems } from './embedding.ts'
import type { Encodable, Encoder, EncoderOptions } from './encoder.ts'
import type { EmbedItem } from './input.ts'
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
  async embed(items: Iterable<EmbedItem> | AsyncIterable<EmbedItem>, options: EmbedOptions = {}): Promise<Embeddings> {
    return await embedItems(this.#encoder, { instruction: this.contract.prompt.instruction, names: this.#readouts }, items, options)
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
