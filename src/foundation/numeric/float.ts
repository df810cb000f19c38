/** @file bfloat16 and IEEE half precision to and from f32, as raw bits in `Uint16Array`. */

import { BifocalError } from './errors.ts'
import type { Tensor } from './tensor.ts'

const scratch = new Float32Array(1)
const scratchBits = new Uint32Array(scratch.buffer)

/** bf16 is the upper half of f32: exact. */
export function bf16ToF32(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length)
  const words = new Uint32Array(out.buffer)
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16
  return out
}

/** Rounds to nearest, ties to even; NaN stays NaN. */
export function f32ToBf16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const out = new Uint16Array(values.length)
  for (let i = 0; i < values.length; i++) {
    const word = words[i]!
    out[i] =
      (word & 0x7fffffff) > 0x7f800000 ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16
  }
  return out
}

/** Expands halves, subnormals included: exact. */
export function f16ToF32(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length)
  const words = new Uint32Array(out.buffer)
  for (let i = 0; i < bits.length; i++) {
    const half = bits[i]!
    const sign = (half & 0x8000) << 16
    const exponent = (half >>> 10) & 0x1f
    const fraction = half & 0x3ff
    if (exponent === 0) out[i] = (sign ? -1 : 1) * fraction * 2 ** -24
    else if (exponent === 31) words[i] = sign | 0x7f800000 | (fraction << 13)
    else words[i] = sign | ((exponent + 112) << 23) | (fraction << 13)
    if (exponent === 0 && fraction === 0) words[i] = sign
  }
  return out
}

/** Rounds to nearest, ties to even; overflow becomes infinity. */
export function f32ToF16(values: Float32Array): Uint16Array {
  const out = new Uint16Array(values.length)
  for (let i = 0; i < values.length; i++) out[i] = halfBits(values[i]!)
  return out
}

function halfBits(value: number): number {
  scratch[0] = value
  const word = scratchBits[0]!
  const sign = (word >>> 16) & 0x8000
  const magnitude = word & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  if (magnitude >= 0x47800000) return sign | 0x7c00
  if (magnitude < 0x38800000) return sign | roundHalfEven(Math.abs(value) * 2 ** 24)
  const rounded = magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)
  return sign | (rounded >>> 13)
}

/** Rounds a non-negative number to the nearest whole one, ties to even. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor
}

/**
 * Any floating tensor as f32; `f32` itself is returned as it is.
 * @throws BifocalError `tensor/dtype` for whole-number types.
 */
export function toF32(value: Tensor): Tensor<'f32'> {
  const { dims } = value
  switch (value.dtype) {
    case 'f32':
      return value as Tensor<'f32'>
    case 'bf16':
      return { dtype: 'f32', dims, data: bf16ToF32((value as Tensor<'bf16'>).data) }
    case 'f16':
      return { dtype: 'f32', dims, data: f16ToF32((value as Tensor<'f16'>).data) }
    default:
      throw new BifocalError('tensor/dtype', {
        message: `expected a floating tensor, got ${value.dtype}`,
        hint: 'Only f32, f16 and bf16 tensors can be read as f32.',
      })
  }
}
