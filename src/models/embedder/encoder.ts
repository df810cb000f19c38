/** @file What embeds: one kind for models that read a spliced sequence, one for dual encoders. */

import type { Device } from '../../engine/runtime/devices.ts'
import type { MemoryMode } from '../../engine/runtime/placement.ts'
import type { ReadItem } from '../../inputs/data/item.ts'
import type { Adapter } from '../checkpoint/adapter.ts'
import type { Checkpoint } from '../checkpoint/folder.ts'
import type { AdapterMode } from '../families/adapted.ts'
import type { Contract } from './contract.ts'
import type { Readout } from './readout.ts'

export interface EncoderOptions {
  checkpoint: Checkpoint
  contract: Contract
  /** One vector each from the same pass. */
  readouts: readonly Readout[]
  adapter?: Adapter
  /** Default `live`. */
  adapterMode?: AdapterMode
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
  /** What its arrays take, in bytes: how many items are kept ready is decided by it. */
  readonly bytes: number
}

export interface EncodeOptions {
  signal?: AbortSignal
  /**
   * Given what each batch finished: places among the items, and for each of them its vector of the
   * first readout.
   */
  onBatch?: (rows: readonly number[], vectors: readonly Float32Array[]) => void | Promise<void>
}

/**
 * Opened weights that give vectors. Sessions open at their first use: text alone opens no image
 * tower.
 */
export interface Encoder<Prepared extends Encodable = Encodable> {
  /** Tensors of the files that nothing uses. */
  readonly unused: readonly string[]
  /** @throws FamilyError, ReadoutError, EmbedderError for an item that the model can't take */
  prepare(item: ReadItem): Prepared
  /**
   * @returns for each readout, for each item, a unit vector @throws RuntimeError
   *   `runtime/not-finite`; InterruptedError
   */
  encode(items: readonly Prepared[], options: EncodeOptions): Promise<Float32Array[][]>
  /** Opens all sessions now. */
  open(): Promise<void>
  close(): Promise<void>
}
