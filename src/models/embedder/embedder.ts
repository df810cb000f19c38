/** @file The embedding model that a folder holds, for library users: load, embed, close. */

import { dirname } from 'node:path'
import type { Item } from '../../inputs/data/item.ts'
import type { Contract } from './contract.ts'
import { dualEncoder } from './dual-encoder.ts'
import { type Embeddings, type EmbedOptions, embedItems } from './embedding.ts'
import type { Encodable, Encoder } from './encoder.ts'
import { type FingerprintParts, fingerprintOf } from './fingerprint.ts'
import type { PresetName } from './presets.ts'
import { type LoadOptions, openSubject } from './subject.ts'
import { visionLanguageEncoder } from './vision-language.ts'

export class Embedder {
  readonly contract: Contract
  /** The family's name. */
  readonly family: string
  /** The preset that decided the contract, given or found by the folder's name. */
  readonly preset: PresetName | undefined
  readonly #encoder: Encoder
  readonly #readouts: readonly string[]
  readonly #deciding: FingerprintParts
  /** Folders that the model was read from. */
  readonly folders: readonly string[]

  private constructor(
    encoder: Encoder,
    of: Pick<Embedder, 'family' | 'preset' | 'folders'> & {
      readouts: readonly string[]
      deciding: FingerprintParts
    },
  ) {
    this.contract = of.deciding.contract
    this.family = of.family
    this.preset = of.preset
    this.folders = of.folders
    this.#encoder = encoder
    this.#readouts = of.readouts
    this.#deciding = of.deciding
  }

  /**
   * Opens a checkpoint folder of any family, or a folder with an `embedder.json`. No weight is read
   * before the first item is embedded.
   * @throws EmbedderError, CheckpointError, FamilyError, TextError, MediaError for what the folder
   *   holds; RuntimeError for the device
   * @example
   * const embedder = await Embedder.load('models/twin-ar')
   * const { vectors } = await embedder.embed([{ text: 'a cat' }, { image: 'cat.png' }])
   * await embedder.close()
   */
  static async load(path: string, options: LoadOptions = {}): Promise<Embedder> {
    const { dir, model, encoder: opened, adapterFolder, preset } = await openSubject(path, options)
    const encoder =
      model.kind === 'dual-encoder'
        ? erased(await dualEncoder(model, opened))
        : erased(await visionLanguageEncoder(model, opened))
    const { contract, checkpoint, device = 'cpu', adapterMode = 'live' } = opened
    // Rounded weights with an update beside them are not the rounded sum.
    const engine = { device, dtype: contract.dtype, adapterMode: adapterFolder && adapterMode }
    const deciding = { contract, checkpoint, adapter: adapterFolder, engine }
    const files = [...checkpoint.files.map((file) => dirname(file)), adapterFolder]
    const folders = [...new Set([dir, checkpoint.dir, ...files.filter((folder) => folder !== undefined)])]
    return new Embedder(encoder, {
      family: model.family,
      preset,
      folders,
      readouts: Object.keys(options.readouts ?? {}),
      deciding,
    })
  }

  /**
   * Vectors of items. Equal items are embedded once, pictures that several items share run once; a
   * vector does not depend on which items come with it (up to rounding).
   * @throws EmbedderError `embedder/empty-item`, `embedder/dims`; FamilyError `family/too-long`;
   * MediaError, FileError for pictures; RuntimeError `runtime/not-finite`; InterruptedError
   */
  async embed(items: Iterable<Item> | AsyncIterable<Item>, options: EmbedOptions = {}): Promise<Embeddings> {
    return await embedItems(
      this.#encoder,
      { instruction: this.contract.prompt.instruction, names: this.#readouts },
      items,
      options,
    )
  }

  /**
   * Opens every session now, so that the first item is as fast as the next ones. @throws
   * RuntimeError what opening a session throws
   */
  async open(): Promise<void> {
    await this.#encoder.open()
  }

  /**
   * Of weights, contract and device: equal ones give equal vectors. An adapter given in memory does
   * not count.
   */
  async fingerprint(): Promise<string> {
    return await fingerprintOf(this.#deciding)
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
    open: () => encoder.open(),
    close: () => encoder.close(),
  }
}
