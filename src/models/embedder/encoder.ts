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
   * Given what each batch finished: places among the items, and for each of them its vector of the
   * first readout.
   */
  onBatch?: (rows: readonly number[], vectors: readonly Float32Array[]) => void | Promise<void>
  /** Which readouts to compute beside the first, by place; default all. */
  readouts?: readonly number[]
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
   * @returns for each readout, for each item, a unit vector; nothing for readouts that were not
   *   asked for
   * @throws RuntimeError `runtime/not-finite`; InterruptedError
   */
  encode(items: readonly Prepared[], options: EncodeOptions): Promise<Float32Array[][]>
  /** Opens all sessions now. */
  open(): Promise<void>
  close(): Promise<void>
}
