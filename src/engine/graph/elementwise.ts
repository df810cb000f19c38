/**
 * @file Element-wise operators. Two operands follow numpy's broadcasting; a plain number is a
 * scalar.
 */

import type { DType } from '../../foundation/numeric/tensor.ts'
import type { Dim } from './dims.ts'
import { GraphError, shapeMismatch } from './errors.ts'
import type { Value } from './graph.ts'
import type { Op } from './op.ts'

type BinaryOp = 'Add' | 'Sub' | 'Mul' | 'Div'
type UnaryOp =
  | 'Neg'
  | 'Exp'
  | 'Log'
  | 'Sqrt'
  | 'Reciprocal'
  | 'Tanh'
  | 'Sigmoid'
  | 'Softplus'
  | 'Erf'
  | 'Sin'
  | 'Cos'

/** The shape of two broadcast operands. @throws GraphError `graph/shape` */
export function broadcastDims(op: Op, a: readonly Dim[], b: readonly Dim[]): Dim[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1
    const y = b[b.length - rank + i] ?? 1
    if (x === y || y === 1) return x
    if (x === 1) return y
    throw shapeMismatch(op, a, b, `sizes ${x} and ${y} differ and neither is 1`)
  })
}

function binary<T extends DType>(op: BinaryOp, a: Value<T>, b: Value<T> | number): Value<T> {
  const right = typeof b === 'number' ? scalarLike(a, b) : b
  sameDType(op, a, right)
  return a.graph.apply(op, [a, right], {}, a.dtype, broadcastDims(op, a.dims, right.dims))
}

function scalarLike(a: Value, b: number): Value {
  if (a.dtype === 'i64')
    return a.graph.constant({ dtype: 'i64', dims: [], data: BigInt64Array.of(BigInt(b)) })
  return a.graph.scalar(b)
}

function sameDType(op: Op, a: Value, b: Value): void {
  if (a.dtype !== b.dtype) {
    throw new GraphError('dtype', {
      message: `${op}: operands are ${a.dtype} and ${b.dtype}`,
      hint: 'Cast one of them.',
    })
  }
}

const unary =
  (op: UnaryOp) =>
  (x: Value<'f32'>): Value<'f32'> =>
    x.graph.apply(op, [x], {}, 'f32', x.dims)

export const add = <T extends DType>(a: Value<T>, b: Value<T> | number): Value<T> => binary('Add', a, b)
export const sub = <T extends DType>(a: Value<T>, b: Value<T> | number): Value<T> => binary('Sub', a, b)
export const mul = <T extends DType>(a: Value<T>, b: Value<T> | number): Value<T> => binary('Mul', a, b)
export const div = <T extends DType>(a: Value<T>, b: Value<T> | number): Value<T> => binary('Div', a, b)

/** `xᵉ` for a fixed exponent. */
export const pow = (x: Value<'f32'>, exponent: number): Value<'f32'> =>
  x.graph.apply('Pow', [x], { exponent }, 'f32', x.dims)

export const neg = unary('Neg')
export const exp = unary('Exp')
export const log = unary('Log')
export const sqrt = unary('Sqrt')
export const reciprocal = unary('Reciprocal')
export const tanh = unary('Tanh')
export const sigmoid = unary('Sigmoid')
/** `log(1 + eˣ)`, without overflow. */
export const softplus = unary('Softplus')
export const erf = unary('Erf')
export const sin = unary('Sin')
export const cos = unary('Cos')

/** `log σ(x) = −softplus(−x)`. */
export const logSigmoid = (x: Value<'f32'>): Value<'f32'> => neg(softplus(neg(x)))

/** GELU, exact (erf). @see specs/ar-vlms.md §0.4 */
export const gelu = (x: Value<'f32'>): Value<'f32'> =>
  x.graph.apply('Gelu', [x], { approximate: 'none' }, 'f32', x.dims)
/** GELU by tanh (`gelu_pytorch_tanh`). */
export const geluTanh = (x: Value<'f32'>): Value<'f32'> =>
  x.graph.apply('Gelu', [x], { approximate: 'tanh' }, 'f32', x.dims)
/** `x·σ(1.702x)`, the activation of CLIP and Qwen2-VL towers. */
export const quickGelu = (x: Value<'f32'>): Value<'f32'> => mul(x, sigmoid(mul(x, 1.702)))
/** `x·σ(x)`. */
export const silu = (x: Value<'f32'>): Value<'f32'> => x.graph.apply('Silu', [x], {}, 'f32', x.dims)

/** Another element type. `f16`/`bf16` weights become f32 this way. */
export function cast<T extends DType>(x: Value, to: T): Value<T> {
  return x.graph.apply('Cast', [x], { to }, to, x.dims)
}

/** The largest whole number that is not above; gradients stop here. */
export const floor = (x: Value<'f32'>): Value<'f32'> => x.graph.apply('Floor', [x], {}, 'f32', x.dims)

/** The same values; gradients stop here. */
export const stopGradient = <T extends DType>(x: Value<T>): Value<T> =>
  x.graph.apply('StopGradient', [x], {}, x.dtype, x.dims)

function comparison(op: 'Equal' | 'Less' | 'LessOrEqual', a: Value, b: Value | number): Value<'bool'> {
  const right = typeof b === 'number' ? scalarLike(a, b) : b
  sameDType(op, a, right)
  return a.graph.apply(op, [a, right], {}, 'bool', broadcastDims(op, a.dims, right.dims))
}

export const equal = (a: Value, b: Value | number): Value<'bool'> => comparison('Equal', a, b)
export const less = (a: Value, b: Value | number): Value<'bool'> => comparison('Less', a, b)
export const lessOrEqual = (a: Value, b: Value | number): Value<'bool'> => comparison('LessOrEqual', a, b)
export const and = (a: Value<'bool'>, b: Value<'bool'>): Value<'bool'> =>
  a.graph.apply('And', [a, b], {}, 'bool', broadcastDims('And', a.dims, b.dims))
export const not = (a: Value<'bool'>): Value<'bool'> => a.graph.apply('Not', [a], {}, 'bool', a.dims)

/** `condition ? a : b`, broadcast. A number stands for a scalar. */
export function where(
  condition: Value<'bool'>,
  a: Value<'f32'> | number,
  b: Value<'f32'> | number,
): Value<'f32'> {
  const { graph } = condition
  const left = typeof a === 'number' ? graph.scalar(a) : a
  const right = typeof b === 'number' ? graph.scalar(b) : b
  const dims = broadcastDims('Where', broadcastDims('Where', condition.dims, left.dims), right.dims)
  return graph.apply('Where', [condition, left, right], {}, 'f32', dims)
}
