/** @file How linear layers with changed weights are written in ONNX: 8-bit products with a scale for each row, or products in f16. */

import { f32, i64, tensor } from '../numeric/tensor.ts'
import type { WeightForm } from './compiled.ts'
import type { NodeWriter } from './encoders.ts'
import { int8Names, ONNX_TYPE } from './onnx-model.ts'

/** Names of what a linear layer reads. */
export interface LinearNames {
  /** `[rows, in] f32` */
  x: string
  /** The parameter. */
  weight: string
  /** `[out] f32` */
  bias: string | undefined
}

/** Writes linear layers; inputs that several of them share (query, key and value) are rounded once. */
export class ReducedLinears {
  readonly #writer: NodeWriter
  readonly #rounded = new Map<string, { levels: string; step: string }>()
  readonly #halves = new Map<string, string>()

  constructor(writer: NodeWriter) {
    this.#writer = writer
  }

  /** @returns the name of `[rows, out] f32` */
  write({ x, weight, bias }: LinearNames, form: Exclude<WeightForm, 'half'>): string {
    const product = form === 'int8' ? this.#int8(x, weight) : this.#f16(x, weight)
    return bias === undefined ? product : this.#writer.emit('Add', [product, bias])
  }

  /**
   * `y = step·scales·(levels·valuesᵀ)`, the sum in 32-bit whole numbers. Both sides are unsigned around 128: signed weights overflow 16-bit sums on
   * x86 processors without VNNI (an element of a 768-wide product was 3 % off), signed inputs are five times slower; this form is exact on all.
   */
  #int8(x: string, weight: string): string {
    const writer = this.#writer
    const { levels, step } = this.#levels(x)
    const { values, scales } = int8Names(weight)
    const [one, zero] = [writer.constant(f32([], [1])), this.#zero()]
    const product = writer.emit('MatMulIntegerToFloat', [levels, values, one, scales, zero, zero], {}, 'com.microsoft')
    return writer.emit('Mul', [product, step])
  }

  /** `step = max|x| / 127`, `levels = round(x / step)`, halves to even, for each row by itself: no item changes another's vector. */
  #levels(x: string): { levels: string; step: string } {
    const known = this.#rounded.get(x)
    if (known !== undefined) return known
    const writer = this.#writer
    const largest = writer.emit('ReduceMax', [writer.emit('Abs', [x]), writer.constant(i64([1], [-1]))], { keepdims: 1 })
    // A row of zeros must not be divided by zero.
    const step = writer.emit('Max', [writer.emit('Mul', [largest, writer.constant(f32([], [1 / 127]))]), writer.constant(f32([], [1e-30]))])
    const levels = writer.emit('QuantizeLinear', [writer.emit('Div', [x, step]), writer.constant(f32([], [1])), this.#zero()])
    const made = { levels, step }
    this.#rounded.set(x, made)
    return made
  }

  #zero(): string {
    return this.#writer.constant(tensor('u8', [], Uint8Array.of(128)))
  }

  /** The device sums in what it sums f16 in. */
  #f16(x: string, weight: string): string {
    const writer = this.#writer
    const half = this.#halves.get(x) ?? writer.emit('Cast', [x], { to: ONNX_TYPE.f16 })
    this.#halves.set(x, half)
    return writer.emit('Cast', [writer.emit('Gemm', [half, weight], { transB: 1 })], { to: ONNX_TYPE.f32 })
  }
}
