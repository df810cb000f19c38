/**
 * @file What a benchmark needs of a model: vectors for items, under a name that changes whenever
 * the vectors would.
 */

import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'

export interface EmbeddingModel {
  readonly id: string
  /** Content hash of weights, adapter and contract, hexadecimal: vectors are stored under it. */
  readonly hash: string
  /** Names of the vectors that one pass gives, e.g. `mean`, `last`. */
  readonly readouts: readonly string[]
  /**
   * @returns for each readout `[items, dim]` unit vectors; a function of the items alone, so that a
   *   resumed run gets the same bytes
   * @throws InterruptedError
   */
  embed(
    items: readonly KeyedItem[],
    options: { signal?: AbortSignal },
  ): Promise<Readonly<Record<string, Tensor<'f32'>>>>
}

/** The vector of an item by its key. */
export type VectorOf = (key: string) => Float32Array
