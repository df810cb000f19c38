/** @file A compiled graph: plain data between graph building and the runtime. */

import type { DType, Tensor } from '../numeric/tensor.ts'

/** A frozen parameter: it becomes an initializer of `dtype` and `dims`. */
export interface WeightSlot {
  name: string
  dtype: DType
  dims: number[]
}

/** An array that each run brings or gives; a string is a symbolic dimension. */
export interface FeedSlot {
  name: string
  dtype: DType
  dims: (number | string)[]
}

/** Where a frozen weight lies when the model is encoded. */
export type WeightPlacement =
  /**
   * Bytes `offset … offset + length` of the file `location` (relative to the model file), or of an in-memory buffer of that name.
   * `alsoInput` lists the initializer as a graph input too: the engine then doesn't fold its cast to f32 at load (half the memory, slower runs).
   */
  | { kind: 'external'; location: string; offset: number; length: number; dtype: DType; alsoInput?: boolean }
  | { kind: 'inline'; tensor: Tensor; alsoInput?: boolean }

export interface CompiledGraph {
  /** Graph inputs, trainable parameters that are fed included. */
  inputs: FeedSlot[]
  outputs: FeedSlot[]
  /** Frozen parameters, i.e. initializers. */
  weights: WeightSlot[]
  /** ONNX ModelProto bytes; `place` says where each frozen weight lies. */
  encode(place: (slot: WeightSlot) => WeightPlacement): Uint8Array
}
