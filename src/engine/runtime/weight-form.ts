/** @file Weights in fewer bits, made from what a checkpoint stores when a session opens. */

import { f32ToF16 } from '../../foundation/numeric/float.ts'
import { int8Rows } from '../../foundation/numeric/int8.ts'
import { rotatedWeight } from '../../foundation/numeric/rotation.ts'
import type { DType } from '../../foundation/numeric/tensor.ts'
import type { WeightForm } from '../graph/compiled.ts'
import { readWeight, type WeightLocation } from './weights.ts'

/** Whether a stored weight has to be rewritten to get a form. */
export function isRewritten(form: WeightForm, stored: DType): boolean {
  return form === 'int8' || stored === 'f32' || (form === 'f16' && stored === 'bf16')
}

/**
 * Where the scales of an 8-bit weight begin, in bytes: behind its values, aligned.
 * @param dims `[out, in]`
 */
export function scalesOffset([out = 0, inner = 0]: readonly number[]): number {
  return Math.ceil((out * inner) / 4) * 4
}

/** Bytes that a rewritten weight takes. */
export function formBytes(form: WeightForm, dims: readonly number[]): number {
  if (form === 'int8') return scalesOffset(dims) + 4 * (dims[0] ?? 0)
  return 2 * dims.reduce((size, dim) => size * dim, 1)
}

/**
 * `half`, `f16`: the bits. `int8`: values as `[in, out]`, the order in which the engine multiplies,
 * and behind them the scales `[out] f32`; `scales[o] · values[i][o] ≈ rotated[o][i]`, where
 * `rotated` is `rotatedWeight(weight)`.
 * @param signed of `int8`: values as i8; else values + 128 as u8
 * @throws as `readWeight`
 */
export async function weightInForm(
  form: WeightForm,
  location: WeightLocation,
  signed: boolean,
): Promise<Uint8Array> {
  const weight = await readWeight(location)
  if (form !== 'int8') return bytesOf(f32ToF16(weight.data))
  const { values, scales } = int8Rows(rotatedWeight(weight))
  const bytes = new Uint8Array(formBytes(form, weight.dims))
  transposeBytes(values.data, weight.dims, signed ? 0 : 128, bytes)
  bytes.set(bytesOf(scales.data), scalesOffset(weight.dims))
  return bytes
}

/**
 * Rows that are read side by side: their pieces fill whole lines of the cache where they are
 * written.
 */
const ROWS = 64

/** @param plus added to each value; a negative one wraps, as i8 is stored */
function transposeBytes(
  values: Int8Array,
  [out = 0, inner = 0]: readonly number[],
  plus: number,
  into: Uint8Array,
): void {
  for (let start = 0; start < out; start += ROWS) {
    const end = Math.min(start + ROWS, out)
    for (let i = 0; i < inner; i++)
      for (let o = start; o < end; o++) into[i * out + o] = values[o * inner + i]! + plus
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
