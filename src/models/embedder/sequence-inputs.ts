/**
 * @file Sequences of items and image rows of their pictures: everything that a decoder reads. Where
 * several states of a decoder (untuned, in training, tuned, random) read the same items, they share
 * one of these, so that each item is prepared and each picture seen once.
 */

import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import type { VisionLanguageModel } from '../families/model.ts'
import { itemReader } from './item-reader.ts'
import { PictureRows, type RowStore, type RowTable } from './picture-rows.ts'
import { type PreparingOptions, type Sequence, sequencePreparer } from './sequence.ts'
import { EmbedderSessions, type SessionsOptions } from './sessions.ts'

export interface SequenceInputsOptions extends PreparingOptions, SessionsOptions {
  /**
   * Whether sequences are remembered by the key of their item, without pixels; for runs that see
   * the same items again and again. Default false.
   */
  remember?: boolean
  /** Bytes of remembered sequences; the oldest are forgotten. Default: no limit. */
  sequenceBytes?: number
  /** Bytes of image rows that are kept; default 256 MiB. */
  rowBytes?: number
  /** Keeps image rows beyond that. */
  rowStore?: RowStore
}

type Make = Awaited<ReturnType<typeof sequencePreparer>>

export class SequenceInputs {
  readonly #make: Make
  readonly #read: ReturnType<typeof itemReader>
  readonly #sessions: EmbedderSessions
  readonly #pictures: PictureRows
  readonly #known: Map<string, Sequence> | undefined
  readonly #most: number
  #bytes = 0

  private constructor(model: VisionLanguageModel, make: Make, options: SequenceInputsOptions) {
    this.#make = make
    this.#read = itemReader(options.warn)
    this.#sessions = new EmbedderSessions(options)
    this.#pictures = new PictureRows(model, this.#sessions, options.rowBytes, options.rowStore)
    this.#known = options.remember ? new Map() : undefined
    this.#most = options.sequenceBytes ?? Number.POSITIVE_INFINITY
  }

  /** @throws what `sequencePreparer` throws; no weight is read */
  static async open(model: VisionLanguageModel, options: SequenceInputsOptions): Promise<SequenceInputs> {
    return new SequenceInputs(model, await sequencePreparer(model, options), options)
  }

  /** @throws for an item, as `sequencePreparer` says; MediaError, FileError for its pictures */
  async prepare(item: KeyedItem): Promise<Sequence> {
    const known = this.#known?.get(item.key)
    if (known !== undefined && this.#hasRows(known)) return known
    const made = this.#make(await this.#read(item))
    if (this.#known !== undefined) this.#remember(this.#known, item, this.kept(item, made))
    return made
  }

  /** A sequence without its pixels. They are made again where nobody knows the picture's rows. */
  kept(item: KeyedItem, sequence: Sequence): Sequence {
    return withoutPixels(sequence, async () => this.#make(await this.#read(item)).item)
  }

  /** The image rows of a batch. Pictures that were not seen yet run through the tower. */
  async table(batch: readonly Sequence[], signal?: AbortSignal): Promise<RowTable> {
    return await this.#pictures.table(batch, signal)
  }

  /** Opens the tower's session now. */
  async open(): Promise<void> {
    await this.#pictures.open()
  }

  async close(): Promise<void> {
    await this.#sessions.close()
  }

  /** Oldest out first. */
  #remember(known: Map<string, Sequence>, { key }: KeyedItem, sequence: Sequence): void {
    if (!known.has(key)) this.#bytes += sizeInMemory(sequence)
    known.set(key, sequence)
    for (const [oldest, held] of known) {
      if (this.#bytes <= this.#most) break
      known.delete(oldest)
      this.#bytes -= sizeInMemory(held)
    }
  }

  #hasRows({ pictureKey }: Sequence): boolean {
    return pictureKey === undefined || this.#pictures.has(pictureKey)
  }
}

/** Bytes of a sequence without pixels: ids, image indices, positions and weights. */
function sizeInMemory({ tokens, item, weights }: Sequence): number {
  return tokens * (16 + 8 * (item.positions?.length ?? 0) + 4 * weights.size)
}

/**
 * A sequence to keep. Pixels are most of it, and once a picture's rows are known nobody reads them.
 */
export function withoutPixels(sequence: Sequence, again: NonNullable<Sequence['again']>): Sequence {
  if (sequence.pictureKey === undefined) return sequence
  const views: Tensor<'f32'>[] = []
  return { ...sequence, item: { ...sequence.item, views, visionFeeds: undefined }, again }
}
