/**
 * @file The gradient table: given a node and the gradient of its output, the gradients of its
 * floating inputs.
 */

import { convGradients } from './convolution-gradients.ts'
import type { Dim } from './dims.ts'
import { addDims, multiplyDims } from './dims.ts'
import {
  add,
  cast,
  cos,
  div,
  equal,
  erf,
  exp,
  mul,
  neg,
  pow,
  reciprocal,
  sigmoid,
  sin,
  sqrt,
  sub,
  tanh,
  where,
} from './elementwise.ts'
import type { Value } from './graph.ts'
import { gatherElements, scatterAdd, scatterElements } from './indexing.ts'
import { gemm, matMul } from './matmul.ts'
import type { DifferentiableOp, OpAttributes } from './op.ts'
import { reduceMean, reduceSum, standardise } from './reduction.ts'
import { rotationGradients } from './rotation.ts'
import { expand, pad, reshape, sliceAt, swapLast, transpose } from './shaping.ts'

type F32 = Value<'f32'>

/**
 * A node as its rule sees it. Inputs are sorted by kind, each kind in the order of the operator's
 * arguments.
 */
export interface GradientContext<O extends DifferentiableOp> {
  attributes: OpAttributes[O]
  floats: readonly F32[]
  indices: readonly Value<'i64'>[]
  conditions: readonly Value<'bool'>[]
  output: F32
  /** The gradient of the output. */
  upstream: F32
}

/** Gradients of `floats`, in order. */
export type GradientRule<O extends DifferentiableOp> = (at: GradientContext<O>) => F32[]

const one =
  <O extends DifferentiableOp>(rule: (x: F32, at: GradientContext<O>) => F32): GradientRule<O> =>
  (at) => [rule(at.floats[0]!, at)]

const two =
  <O extends DifferentiableOp>(
    rule: (a: F32, b: F32, at: GradientContext<O>) => [F32, F32],
  ): GradientRule<O> =>
  (at) =>
    rule(at.floats[0]!, at.floats[1]!, at)

/** One rule for each operator; a missing one does not compile. */
export const gradientRules: { readonly [O in DifferentiableOp]: GradientRule<O> } = {
  Add: two((a, b, { upstream }) => [sumTo(upstream, a.dims), sumTo(upstream, b.dims)]),
  Sub: two((a, b, { upstream }) => [sumTo(upstream, a.dims), sumTo(neg(upstream), b.dims)]),
  Mul: two((a, b, { upstream }) => [sumTo(mul(upstream, b), a.dims), sumTo(mul(upstream, a), b.dims)]),
  Div: two((a, b, { upstream, output }) => [
    sumTo(div(upstream, b), a.dims),
    sumTo(neg(div(mul(upstream, output), b)), b.dims),
  ]),
  Pow: one((x, { upstream, attributes: { exponent } }) => mul(upstream, mul(pow(x, exponent - 1), exponent))),
  Neg: one((_, { upstream }) => neg(upstream)),
  Exp: one((_, { upstream, output }) => mul(upstream, output)),
  Log: one((x, { upstream }) => div(upstream, x)),
  Sqrt: one((_, { upstream, output }) => div(mul(upstream, 0.5), output)),
  Reciprocal: one((_, { upstream, output }) => neg(mul(upstream, mul(output, output)))),
  Tanh: one((_, { upstream, output }) => mul(upstream, oneMinusSquare(output))),
  Sigmoid: one((_, { upstream, output }) => mul(upstream, sub(output, mul(output, output)))),
  Softplus: one((x, { upstream }) => mul(upstream, sigmoid(x))),
  Erf: one((x, { upstream }) => mul(upstream, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI)))),
  Sin: one((x, { upstream }) => mul(upstream, cos(x))),
  Cos: one((x, { upstream }) => neg(mul(upstream, sin(x)))),
  Silu: one((x, { upstream, output }) => mul(upstream, siluSlope(x, output))),
  Gelu: one((x, { upstream, attributes }) =>
    mul(upstream, attributes.approximate === 'none' ? geluSlope(x) : geluTanhSlope(x)),
  ),
  MatMul: two((a, b, { upstream }) => [
    sumTo(matMul(upstream, swapLast(b)), a.dims),
    sumTo(matMul(swapLast(a), upstream), b.dims),
  ]),
  Gemm: gemmGradients,
  Softmax: one((_, { upstream, output, attributes: { axis } }) =>
    mul(output, sub(upstream, reduceSum(mul(upstream, output), [axis], true))),
  ),
  LogSoftmax: one((_, { upstream, output, attributes: { axis } }) =>
    sub(upstream, mul(exp(output), reduceSum(upstream, [axis], true))),
  ),
  LayerNorm: layerNormGradients,
  RmsNorm: rmsNormGradients,
  ReduceSum: one((x, { upstream, attributes: { axes } }) => expand(restored(upstream, x.dims, axes), x.dims)),
  ReduceMean: one((x, { upstream, attributes: { axes } }) =>
    expand(restored(div(upstream, countAlong(x, axes)), x.dims, axes), x.dims),
  ),
  ReduceMax: one((x, { upstream, output, attributes: { axes } }) => {
    const hits = cast(equal(x, restored(output, x.dims, axes)), 'f32')
    return mul(hits, div(restored(upstream, x.dims, axes), reduceSum(hits, axes, true)))
  }),
  Reshape: one((x, { upstream }) => reshape(upstream, x.dims)),
  Transpose: one((_, { upstream, attributes: { permutation } }) =>
    transpose(
      upstream,
      permutation.map((_, i) => permutation.indexOf(i)),
    ),
  ),
  Expand: one((x, { upstream }) => sumTo(upstream, x.dims)),
  Concat: ({ floats, upstream, attributes: { axis } }) => {
    let start: Dim = 0
    return floats.map((x) => {
      const part = sliceAt(upstream, axis, start, x.dims[axis]!)
      start = addDims(start, x.dims[axis]!)
      return part
    })
  },
  Slice: one((x, { upstream, attributes: { axis, start, length } }) =>
    pad(upstream, axis, start, addDims(x.dims[axis]!, multiplyDims(-1, addDims(start, length)))),
  ),
  Pad: one((x, { upstream, attributes: { axis, before } }) => sliceAt(upstream, axis, before, x.dims[axis]!)),
  Gather: one((x, { upstream, indices, attributes: { axis } }) =>
    scatterAdd(x.dims, indices[0]!, upstream, axis),
  ),
  GatherElements: one((x, { upstream, indices, attributes: { axis } }) =>
    scatterElements(x.dims, indices[0]!, upstream, axis),
  ),
  ScatterElements: one((_, { upstream, indices, attributes: { axis } }) =>
    gatherElements(upstream, indices[0]!, axis),
  ),
  Where: two((a, b, { upstream, conditions }) => [
    sumTo(where(conditions[0]!, upstream, 0), a.dims),
    sumTo(where(conditions[0]!, 0, upstream), b.dims),
  ]),
  Conv: ({ floats: [x, weight], upstream, attributes }) =>
    convGradients({ x: x!, weight: weight!, upstream }, attributes),
  Rotate: ({ floats, upstream }) => {
    const { x, cos, sin } = rotationGradients(floats, upstream)
    return [x, sumTo(cos, floats[1]!.dims), sumTo(sin, floats[2]!.dims)]
  },
  After: one((_, { upstream }) => upstream),
  Cast: one((_, { upstream }) => upstream),
}

/** Sums over the axes that broadcasting repeated, so that a gradient has its operand's shape. */
function sumTo(gradient: F32, dims: readonly Dim[]): F32 {
  const extra = gradient.dims.length - dims.length
  const axes = gradient.dims.flatMap((dim, i) =>
    i < extra || (dims[i - extra] === 1 && dim !== 1) ? [i] : [],
  )
  return axes.length === 0 ? gradient : reshape(reduceSum(gradient, axes, true), dims)
}

/** Puts reduced axes back with size 1. */
function restored(reduced: F32, dims: readonly Dim[], axes: readonly number[]): F32 {
  return reshape(
    reduced,
    dims.map((dim, i) => (axes.includes(i) ? 1 : dim)),
  )
}

/**
 * The number of elements that a mean over `axes` joins; a scalar of the graph where sizes are
 * symbolic.
 */
function countAlong(x: F32, axes: readonly number[]): F32 | number {
  const count = multiplyDims(...axes.map((axis) => x.dims[axis]!))
  return typeof count === 'number' ? count : reduceSum(expand(reshape(x.graph.scalar(1), [1]), [count]))
}

function oneMinusSquare(x: F32): F32 {
  return sub(x.graph.scalar(1), mul(x, x))
}

/**
 * `σ(x)(1 − y) + y` for `y = x·σ(x)`: two passes fewer than by the rules of a product and of a
 * sigmoid. The engine computes `σ(x)` once.
 */
function siluSlope(x: F32, output: F32): F32 {
  return add(mul(sigmoid(x), sub(x.graph.scalar(1), output)), output)
}

/** `Φ(x) + x·φ(x)`. */
function geluSlope(x: F32): F32 {
  const cumulative = add(mul(erf(mul(x, Math.SQRT1_2)), 0.5), 0.5)
  return add(cumulative, mul(x, mul(exp(mul(mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI))))
}

/** Derivative of `0.5x(1 + tanh(√(2/π)(x + 0.044715x³)))`. */
function geluTanhSlope(x: F32): F32 {
  const scale = Math.sqrt(2 / Math.PI)
  const square = mul(x, x)
  const bend = tanh(mul(mul(x, add(mul(square, 0.044715), 1)), scale))
  const inner = mul(add(mul(square, 3 * 0.044715), 1), scale)
  return add(mul(add(bend, 1), 0.5), mul(mul(x, 0.5), mul(oneMinusSquare(bend), inner)))
}

/** `y = op(a)·op(b) + c`: each gradient is a Gemm whose flags undo the operand's. */
function gemmGradients({
  floats,
  upstream,
  attributes: { transposeA, transposeB },
}: GradientContext<'Gemm'>): F32[] {
  const [a, b, c] = floats
  const left = transposeA
    ? gemm(b!, upstream, { transposeA: transposeB, transposeB: true })
    : gemm(upstream, b!, { transposeB: !transposeB })
  const right = transposeB
    ? gemm(upstream, a!, { transposeA: true, transposeB: transposeA })
    : gemm(a!, upstream, { transposeA: !transposeA })
  return c === undefined ? [left, right] : [left, right, reduceSum(upstream, [0])]
}

function layerNormGradients({
  floats,
  upstream,
  attributes: { epsilon },
}: GradientContext<'LayerNorm'>): F32[] {
  const [x, weight, bias] = floats
  const normal = standardise(x!, epsilon)
  const centred = sub(x!, reduceMean(x!, [-1], true))
  const inverse = reciprocal(sqrt(add(reduceMean(mul(centred, centred), [-1], true), epsilon)))
  const scaled = mul(upstream, weight!)
  const along = mul(normal, reduceMean(mul(scaled, normal), [-1], true))
  const inward = mul(inverse, sub(sub(scaled, reduceMean(scaled, [-1], true)), along))
  return [inward, sumTo(mul(upstream, normal), weight!.dims), sumTo(upstream, bias!.dims)]
}

function rmsNormGradients({ floats, upstream, attributes: { epsilon } }: GradientContext<'RmsNorm'>): F32[] {
  const [x, weight] = floats
  const inverse = reciprocal(sqrt(add(reduceMean(mul(x!, x!), [-1], true), epsilon)))
  const scaled = mul(upstream, weight!)
  const along = mul(mul(inverse, inverse), reduceMean(mul(scaled, x!), [-1], true))
  const inward = mul(inverse, sub(scaled, mul(x!, along)))
  return [inward, sumTo(mul(upstream, mul(x!, inverse)), weight!.dims)]
}
