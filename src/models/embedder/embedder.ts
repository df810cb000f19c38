/**
 * @file The embedding model that a folder holds, for library users: load, embed, close. Studies,
 * baselines and the command line get their vectors here too.
 */

import { dirname } from 'node:path'
import { checkOptions } from '../../foundation/files/options.ts'
import { UsageError } from '../../foundation/numeric/errors.ts'
import type { GivenItem } from '../../inputs/data/given.ts'
import type { Contract } from './contract.ts'
import { dualEncoder } from './dual-encoder.ts'
import { CONTRACT_READOUT, type Embeddings, type EmbedOptions, embedItems } from './embedding.ts'
import type { Encodable, Encoder } from './encoder.ts'
import { type FingerprintParts, fingerprintOf } from './fingerprint.ts'
import { embedOptionSchemas, loadOptionSchemas } from './options.ts'
import type { PresetName } from './presets.ts'
import type { SequenceInputs } from './sequence-inputs.ts'
import { fingerprintParts, type LoadOptions, openSubject, type Subject } from './subject.ts'
import { visionLanguageEncoder } from './vision-language.ts'

export class Embedder {
  readonly contract: Contract
  /** The family's name. */
  readonly family: string
  /** The preset that decided the contract, given or found by the folder's name. */
  readonly preset: PresetName | undefined
  /** Names of the vectors of an item: `vector`, the contract's own, then `LoadOptions.readouts`. */
  readonly readouts: readonly string[]
  readonly #encoder: Encoder
  readonly #deciding: FingerprintParts
  /** Folders that the model was read from. */
  readonly folders: readonly string[]

  private constructor(
    encoder: Encoder,
    of: Pick<Embedder, 'family' | 'preset' | 'folders' | 'readouts'> & { deciding: FingerprintParts },
  ) {
    this.contract = of.deciding.contract
    this.family = of.family
    this.preset = of.preset
    this.folders = of.folders
    this.#encoder = encoder
    this.readouts = of.readouts
    this.#deciding = of.deciding
  }

  /**
   * Opens a checkpoint folder of any family, or a folder with an `embedder.json`. No weight is read
   * before the first item is embedded.
   * @throws EmbedderError, CheckpointError, FamilyError, TextError, MediaError for the files of the
   *   folder; RuntimeError for the device
   * @example
   * const embedder = await Embedder.load('bifocal:twin-ar')
   * const { vectors } = await embedder.embed([{ text: 'a cat' }, { image: 'cat.png' }])
   * await embedder.close()
   */
  static async load(path: string, options: LoadOptions = {}): Promise<Embedder> {
    if (typeof path !== 'string' || path === '') {
      throw new UsageError('option', {
        message: `Embedder.load: expected the folder or the name of a model, got ${JSON.stringify(path)}`,
        hint: "Give a path, or a name such as 'ORG/NAME' or 'bifocal:twin-ar'.",
      })
    }
    checkOptions('Embedder.load', loadOptionSchemas, options)
    return await Embedder.over(await openSubject(path, options))
  }

  /**
   * Opens a model that was found already, in whatever state its weights are.
   * @param inputs prepared items and image rows, where several states of one model share them;
   *   whoever gives them closes them
   * @throws as `load`
   */
  static async over(subject: Subject, inputs?: SequenceInputs): Promise<Embedder> {
    const { dir, model, encoder: options, adapterFolder, preset, names } = subject
    if (names.includes(CONTRACT_READOUT)) {
      throw new UsageError('arguments', {
        message: `a further readout is called ${CONTRACT_READOUT}, which is the contract's own`,
        hint: 'Give it another name.',
      })
    }
    const encoder =
      model.kind === 'dual-encoder'
        ? erased(await dualEncoder(model, options))
        : erased(await visionLanguageEncoder(model, options, inputs))
    const { checkpoint } = options
    const files = [...checkpoint.files.map((file) => dirname(file)), adapterFolder]
    const folders = [...new Set([dir, checkpoint.dir, ...files.filter((folder) => folder !== undefined)])]
    return new Embedder(encoder, {
      family: model.family,
      preset,
      folders,
      readouts: [CONTRACT_READOUT, ...names],
      deciding: fingerprintParts(subject),
    })
  }

  /**
   * Vectors of items. Equal items are embedded once, pictures that several items share run once; a
   * vector does not depend on which items come with it (up to rounding).
   * @param items texts, or objects with instruction, text or image
   * @throws UsageError `usage/option` for what is no item; ItemError `data/empty-item`;
   *   EmbedderError `embedder/dims`; FamilyError `family/too-long`; MediaError, FileError for
   *   pictures; RuntimeError `runtime/not-finite`; InterruptedError
   */
  async embed(
    items: Iterable<GivenItem> | AsyncIterable<GivenItem>,
    options: EmbedOptions = {},
  ): Promise<Embeddings> {
    checkOptions('Embedder.embed', embedOptionSchemas, options)
    checkItems(items)
    return await embedItems(
      this.#encoder,
      { instruction: this.contract.prompt.instruction, readouts: this.readouts },
      items,
      options,
    )
  }

  /**
   * Opens every session now, so that the first item is as fast as the next ones.
   * @throws RuntimeError what opening a session throws
   */
  async open(): Promise<void> {
    await this.#encoder.open()
  }

  /**
   * A hash of weights, contract, readouts, device and precision: equal ones give equal vectors.
   * @returns sha256, hexadecimal
   * @throws FileError `file/read`
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

  /** @example await using embedder = await Embedder.load(path) */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** A text is iterable too: its letters would be embedded. @throws UsageError `usage/option` */
function checkItems(items: unknown): void {
  const iterable =
    typeof items === 'object' && items !== null && (Symbol.iterator in items || Symbol.asyncIterator in items)
  if (iterable) return
  throw new UsageError('option', {
    message: `Embedder.embed: expected a list of items, got ${typeof items === 'string' ? 'a text' : String(items)}`,
    hint: 'Put a lone item into a list: embed([item]).',
  })
}

/**
 * Hides the type of prepared items. An encoder takes back items that it prepared, and no others.
 */
function erased<Prepared extends Encodable>(encoder: Encoder<Prepared>): Encoder {
  const held = new WeakMap<Encodable, Prepared>()
  return {
    unused: encoder.unused,
    async prepare(item) {
      const prepared = await encoder.prepare(item)
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
