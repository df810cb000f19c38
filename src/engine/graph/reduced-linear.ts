/**
 * @file How linear layers with changed weights are written in ONNX: 8-bit products with a scale for
 * each row, or products in f16.
 */

import { f32, i64, tensor } from '../../foundation/numeric/tensor.ts'
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

/**
 * Writes linear layers; inputs that several of them share (query, key and value) are rounded once.
 */
export class ReducedLinears {
  readonly #writer: NodeWriter
  readonly #signedWeights: boolean
  readonly #rounded = new Map<string, { levels: string; step: string }>()
  readonly #halves = new Map<string, string>()

  /** @param signedWeights see `EncodeOptions` */
  constructor(writer: NodeWriter, signedWeights: boolean) {
    this.#writer = writer
    this.#signedWeights = signedWeights
  }

  /** @returns the name of `[rows, out] f32` */
  write({ x, weight, bias }: LinearNames, form: Exclude<WeightForm, 'half'>): string {
    const product = form === 'int8' ? this.#int8(x, weight) : this.#f16(x, weight)
    return bias === undefined ? product : this.#writer.emit('Add', [product, bias])
  }

  /**
   * `y = step·scales·(levels·valuesᵀ)`, the sum in 32-bit whole numbers. Levels are unsigned around
   * 128: signed ones are five times slower. Signed weights are three times as fast as unsigned
   * ones, which are no faster than f32, where the processor has an instruction for u8 by i8 (VNNI,
   * AMX; 512 rows, 768 → 768, one core: 1.9, 6.1 and 5.4 ms with the rounding); without it their
   * sums overflow 16 bits (an element was 3 % off).
   */
  #int8(x: string, weight: string): string {
    const writer = this.#writer
    const { levels, step } = this.#levels(x)
    const { values, scales } = int8Names(weight)
    const middle = this.#signedWeights ? writer.constant(tensor('i8', [], Int8Array.of(0))) : this.#zero()
    const inputs = [levels, values, writer.constant(f32([], [1])), scales, this.#zero(), middle]
    const product = writer.emit('MatMulIntegerToFloat', inputs, {}, 'com.microsoft')
    return writer.emit('Mul', [product, step])
  }

  /**
   * `step = max|x| / 127`, `levels = round(x / step)`, halves to even, for each row by itself: no
   * item changes another's vector.
   */
  #levels(x: string): { levels: string; step: string } {
    const known = this.#rounded.get(x)
    if (known !== undefined) return known
    const writer = this.#writer
    // max|x| without writing |x|.
    const [above, below] = ['ReduceMax', 'ReduceMin'].map((type) =>
      writer.emit(type, [x, writer.constant(i64([1], [-1]))], { keepdims: 1 }),
    )
    const largest = writer.emit('Max', [above!, writer.emit('Neg', [below!])])
    // A row of zeros must not be divided by zero.
    const step = writer.emit('Max', [
      writer.emit('Mul', [largest, writer.constant(f32([], [1 / 127]))]),
      writer.constant(f32([], [1e-30])),
    ])
    const steps = writer.emit('Reshape', [step, writer.constant(i64([1], [-1]))])
    const zeros = writer.emit('Expand', [this.#zero(), writer.emit('Shape', [steps])])
    const levels = writer.emit('QuantizeLinear', [x, steps, zeros], { axis: 0 })
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
