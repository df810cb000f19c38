/**
 * @file Encoders turn items into vectors: one kind for models that read a spliced sequence, one for
 * dual encoders.
 */

import type { Device } from '../../engine/runtime/devices.ts'
import type { MemoryMode } from '../../engine/runtime/placement.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import type { Checkpoint } from '../checkpoint/folder.ts'
import type { ModelWeights } from '../families/model-weights.ts'
import type { Contract } from './contract.ts'
import type { Readout } from './readout.ts'

export interface EncoderOptions {
  /** Config, tokenizer and picture processor are read from its folder. */
  checkpoint: Checkpoint
  contract: Contract
  /** One vector each from the same pass; the first is the contract's. */
  readouts: readonly Readout[]
  /** The model's weights in the state that is to embed. */
  weights: ModelWeights
  device?: Device
  threads?: number
  memory?: MemoryMode
  /**
   * An image token in a text without pictures: `refuse` (default) the item, or `keep` the token as
   * a plain one, as the published evaluation of MMEB does. It changes no vector of other items.
   */
  stray?: 'refuse' | 'keep'
  /** Positions of a batch, padding included. */
  tokenBudget?: number
  warn?: (message: string) => void
}

/** An item ready to run. */
export interface Encodable {
  /**
   * Positions that the item takes; an image of a dual encoder counts the positions of its tower as
   * none.
   */
  readonly tokens: number
  /**
   * Bytes of its arrays, pixels included, whether or not they are still held: the size of a window
   * of items follows from it.
   */
  readonly bytes: number
}

export interface EncodeOptions {
  signal?: AbortSignal
  /**
   * Called when a batch has run.
   * @param rows    places of the batch's items among all items
   * @param vectors for each computed readout, for each of these items, its unit vector
   */
  onBatch: (rows: readonly number[], vectors: readonly (readonly Float32Array[])[]) => void | Promise<void>
  /** Places of the readouts to compute. */
  readouts: readonly number[]
}

/**
 * Opened weights that give vectors. Sessions open at their first use: text alone opens no image
 * tower.
 */
export interface Encoder<Prepared extends Encodable = Encodable> {
  /** Tensors of the files that nothing uses. */
  readonly unused: readonly string[]
  /**
   * Reads an item's pictures, if it must, and makes its arrays.
   * @throws FamilyError, ReadoutError, EmbedderError for an item that the model can't take;
   *   MediaError, FileError for its pictures
   */
  prepare(item: KeyedItem): Promise<Prepared>
  /**
   * Runs items in batches, and gives the vectors of each batch to `onBatch`.
   * @throws RuntimeError `runtime/not-finite`; InterruptedError; the error of `onBatch`
   */
  encode(items: readonly Prepared[], options: EncodeOptions): Promise<void>
  /** Opens all sessions now. */
  open(): Promise<void>
  close(): Promise<void>
}
