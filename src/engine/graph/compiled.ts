/** @file A compiled graph: plain data between graph building and the runtime. */

import type { DType, Tensor } from '../../foundation/numeric/tensor.ts'

/**
 * `f32` is the reference. `f16` holds matrices in 16 bits. `int8` holds the weights of linear
 * layers in 8 bits with a scale for each output, and rounds their inputs to 8 bits with a scale for
 * each row. Both are rotated first, block by block, which spreads outliers (`numeric/rotation.ts`).
 * All else stays f32: norms, embeddings, patches, attention, pooled vectors.
 */
export type Precision = (typeof PRECISIONS)[number]

export const PRECISIONS = ['f32', 'f16', 'int8'] as const

/** Names the way in which int8 rounds. Change it whenever int8 gives other numbers. */
export const INT8_ROUNDING = 'rows rotated by 32'

/**
 * The form into which the runtime brings a stored weight. `half`: 16 bits; f16 and bf16 stay, f32
 * becomes f16. `f16`. `int8`: the two arrays of `int8Names`, made of the rotated weight, see
 * `int8Rows`: values `[in, out] i8` (+ 128 as u8, see `EncodeOptions.signedWeights`) and scales
 * `[out] f32`.
 */
export type WeightForm = 'half' | 'f16' | 'int8'

/** A frozen parameter: it becomes an initializer of `dtype` and `dims`. */
export interface WeightSlot {
  name: string
  dtype: DType
  dims: number[]
  /** Absent: as it is stored. */
  form?: WeightForm
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
   * Bytes `offset … offset + length` of the file `location` (relative to the model file), or of an
   * in-memory buffer of that name. `alsoInput` lists the initializer as a graph input too: the
   * engine then doesn't fold its cast to f32 at load (half the memory, slower runs).
   */
  | { kind: 'external'; location: string; offset: number; length: number; dtype: DType; alsoInput?: boolean }
  | { kind: 'inline'; tensor: Tensor; alsoInput?: boolean }
  /** Both arrays of an `int8` weight in one file or buffer, at these offsets in bytes. */
  | { kind: 'int8'; location: string; values: number; scales: number; dtype: 'i8' | 'u8' }

export interface EncodeOptions {
  /**
   * Whether the device may be given 16-bit floats. Where not, f16 weights are unpacked before
   * anything reads them, tables of embeddings too: the engine then does it once, when the session
   * opens. Default true.
   */
  halves?: boolean
  /**
   * Whether the device has the engine's own operators for attention and rotation in f32, see
   * fusion.ts: the CPU has. Default false.
   */
  fused?: boolean
  /**
   * Whether 8-bit weights are i8, else u8 around 128. A processor that does not sum i8 exactly gets
   * u8, see `sumsSignedExactly`. Default true.
   */
  signedWeights?: boolean
}

export interface CompiledGraph {
  /** Graph inputs, trainable parameters that are fed included. */
  inputs: FeedSlot[]
  outputs: FeedSlot[]
  /** Frozen parameters, i.e. initializers. */
  weights: WeightSlot[]
  /** ONNX ModelProto bytes; `place` says where each frozen weight lies. */
  encode(place: (slot: WeightSlot) => WeightPlacement, options?: EncodeOptions): Uint8Array
}
