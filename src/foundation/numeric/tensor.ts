/**
 * @file A dense row-major array with its dimensions: the only array type that rooms pass to
 * each other.
 */

import { BifocalError } from './errors.ts'

/**
 * Element types of tensors in memory. `bf16` and `f16` are raw bits in a `Uint16Array`; `bool` is
 * one byte an element.
 */
export interface TensorArrays {
  f32: Float32Array
  f16: Uint16Array
  bf16: Uint16Array
  i64: BigInt64Array
  i32: Int32Array
  i8: Int8Array
  u8: Uint8Array
  bool: Uint8Array
}

export type DType = keyof TensorArrays

/** A row-major array of `dims`, e.g. `[batch, seq, hidden]`. */
export interface Tensor<T extends DType = DType> {
  readonly dtype: T
  readonly dims: readonly number[]
  readonly data: TensorArrays[T]
}

/** Bytes of one element. */
export const BYTES_PER_ELEMENT: { readonly [T in DType]: number } = {
  f32: 4,
  f16: 2,
  bf16: 2,
  i64: 8,
  i32: 4,
  i8: 1,
  u8: 1,
  bool: 1,
}

/** Number of elements of `dims`; 1 for a scalar. */
export function sizeOf(dims: readonly number[]): number {
  let size = 1
  for (const dim of dims) size *= dim
  return size
}

/**
 * Joins a typed array with its dimensions.
 * @throws BifocalError `tensor/size` when the lengths disagree.
 */
export function tensor<T extends DType>(dtype: T, dims: readonly number[], data: TensorArrays[T]): Tensor<T> {
  if (data.length !== sizeOf(dims)) {
    throw new BifocalError('tensor/size', {
      message: `a tensor of dims [${dims.join(', ')}] needs ${sizeOf(dims)} elements, got ${data.length}`,
      hint: 'Check the dimensions that go with this array.',
    })
  }
  return { dtype, dims, data }
}

/** `f32` tensor from numbers or a `Float32Array` (not copied). */
export function f32(dims: readonly number[], data: ArrayLike<number>): Tensor<'f32'> {
  return tensor('f32', dims, data instanceof Float32Array ? data : Float32Array.from(data))
}

/** `i64` tensor from whole numbers. */
export function i64(dims: readonly number[], data: ArrayLike<number>): Tensor<'i64'> {
  const out = new BigInt64Array(data.length)
  for (let i = 0; i < data.length; i++) out[i] = BigInt(data[i]!)
  return tensor('i64', dims, out)
}

/** `f32` tensor of zeros. */
export function zeros(dims: readonly number[]): Tensor<'f32'> {
  return { dtype: 'f32', dims, data: new Float32Array(sizeOf(dims)) }
}

/** True where a tensor holds f32. */
export function isF32(value: Tensor): value is Tensor<'f32'> {
  return value.dtype === 'f32'
}
