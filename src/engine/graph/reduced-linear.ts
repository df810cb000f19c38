/**
 * @file Writes linear layers with changed weights in ONNX: 8-bit products, or products in f16.
 *
 * An 8-bit product rounds each row of its inputs with a step of the row's own. Real models have
 * rows in which a few elements are tens of times the others, and such a step rounds the others
 * away. So a row is rotated first, block by block, and its weight likewise: the product stays the
 * same, and the rotated row has no element that is much larger than the rest.
 */

import { rotationBlock, rotationMatrix } from '../../foundation/numeric/rotation.ts'
import { f32, i64, type Tensor, tensor } from '../../foundation/numeric/tensor.ts'
import type { WeightForm } from './compiled.ts'
import type { NodeWriter } from './encoders.ts'
import { int8Names, ONNX_TYPE } from './onnx-model.ts'

/** Names of what a linear layer reads. */
export interface LinearNames {
  /** `[rows, width] f32` */
  x: string
  width: number
  /** The parameter. */
  weight: string
  /** `[out] f32` */
  bias: string | undefined
}

/** Inputs in whole numbers: `x·R ≈ step·(levels − 128)`, see `#levels`. */
interface Levels {
  /** `[rows, width] u8` */
  levels: string
  /** `[rows, 1] f32` */
  step: string
}

/** A row of zeros must not be divided by zero. */
const SMALLEST_STEP = 1e-30

/**
 * Writes linear layers; inputs that several of them share (query, key and value) are rounded once.
 */
export class ReducedLinears {
  readonly #writer: NodeWriter
  readonly #signedWeights: boolean
  readonly #rounded = new Map<string, Levels>()
  readonly #halves = new Map<string, string>()
  readonly #constants = new Map<string, string>()

  /** @param signedWeights see `EncodeOptions` */
  constructor(writer: NodeWriter, signedWeights: boolean) {
    this.#writer = writer
    this.#signedWeights = signedWeights
  }

  /** @returns the name of `[rows, out] f32` */
  write(names: LinearNames, form: Exclude<WeightForm, 'half'>): string {
    const product = form === 'int8' ? this.#int8(names) : this.#f16(names)
    return names.bias === undefined ? product : this.#writer.emit('Add', [product, names.bias])
  }

  /**
   * `y = step·scales·(levels·valuesᵀ)`, the sum in 32-bit whole numbers. Levels are unsigned around
   * 128: signed ones are five times slower. Signed weights are three times as fast as unsigned
   * ones, which are no faster than f32, where the processor has an instruction for u8 by i8 (VNNI,
   * AMX; 512 rows, 768 → 768, one core: 1.9, 6.1 and 5.4 ms with the rounding); without it their
   * sums overflow 16 bits (an element was 3 % off).
   */
  #int8({ x, width, weight }: LinearNames): string {
    const { levels, step } = this.#levels(x, width)
    const { values, scales } = int8Names(weight)
    const middle = this.#signedWeights
      ? this.#constant('signed middle', tensor('i8', [], Int8Array.of(0)))
      : this.#middle()
    const inputs = [levels, values, this.#real(1), scales, this.#middle(), middle]
    const product = this.#writer.emit('MatMulIntegerToFloat', inputs, {}, 'com.microsoft')
    return this.#writer.emit('Mul', [product, step])
  }

  /**
   * `step = max|x·R| / 127`, `levels = 128 + round(x·R / step)`, halves to even, for each row by
   * itself: no item changes another's vector.
   */
  #levels(x: string, width: number): Levels {
    const known = this.#rounded.get(x)
    if (known !== undefined) return known
    const writer = this.#writer
    const rotated = this.#rotated(x, width)
    // max|x| without writing |x|.
    const [above, below] = (['ReduceMax', 'ReduceMin'] as const).map((type) =>
      writer.emit(type, [rotated, this.#constant('last axis', i64([1], [-1]))], { keepdims: 1 }),
    )
    const ends = [
      writer.emit('Mul', [above!, this.#real(1 / 127)]),
      writer.emit('Mul', [below!, this.#real(-1 / 127)]),
    ]
    const step = writer.emit('Max', [...ends, this.#real(SMALLEST_STEP)])
    const steps = this.#shaped(step, -1)
    const zeros = writer.emit('Expand', [this.#middle(), writer.emit('Shape', [steps])])
    const made = { levels: writer.emit('QuantizeLinear', [rotated, steps, zeros], { axis: 0 }), step }
    this.#rounded.set(x, made)
    return made
  }

  /** `[rows, width]` → each block of each row times the rotation's matrix. */
  #rotated(x: string, width: number): string {
    const block = rotationBlock(width)
    if (block === 1) return x
    const matrix = this.#constant(`rotation ${block}`, rotationMatrix(block))
    return this.#shaped(this.#writer.emit('MatMul', [this.#shaped(x, -1, block), matrix]), -1, width)
  }

  #shaped(x: string, ...dims: number[]): string {
    return this.#writer.emit('Reshape', [x, this.#constant(`dims ${dims}`, i64([dims.length], dims))])
  }

  #middle(): string {
    return this.#constant('middle', tensor('u8', [], Uint8Array.of(128)))
  }

  #real(value: number): string {
    return this.#constant(`real ${value}`, f32([], [value]))
  }

  /** A constant of the model, written once for each key. */
  #constant(key: string, value: Tensor): string {
    const name = this.#constants.get(key) ?? this.#writer.constant(value)
    this.#constants.set(key, name)
    return name
  }

  /** A product in f16; the device chooses the precision of its sums. */
  #f16({ x, weight }: LinearNames): string {
    const writer = this.#writer
    const half = this.#halves.get(x) ?? writer.emit('Cast', [x], { to: ONNX_TYPE.f16 })
    this.#halves.set(x, half)
    return writer.emit('Cast', [writer.emit('Gemm', [half, weight], { transB: 1 })], { to: ONNX_TYPE.f32 })
  }
}
