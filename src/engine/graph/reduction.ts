/** @file Sums, means and maxima, and operators made of them: softmax, norms, cross-entropy. */

import {
  add,
  div,
  exp,
  less,
  log,
  mul,
  neg,
  reciprocal,
  sqrt,
  stopGradient,
  sub,
  where,
} from './elementwise.ts'
import { shapeMismatch } from './errors.ts'
import type { Value } from './graph.ts'
import { gatherElements } from './indexing.ts'
import { axisOf, reshape } from './shaping.ts'

type ReduceOp = 'ReduceSum' | 'ReduceMean' | 'ReduceMax'

const reduce =
  (op: ReduceOp) =>
  /** Over `axes` (all if absent); reduced axes stay with size 1 if `keepDims`. */
  (x: Value<'f32'>, axes?: readonly number[], keepDims = false): Value<'f32'> => {
    const along = (axes ?? x.dims.map((_, i) => i)).map((axis) => axisOf(op, x, axis)).sort((a, b) => a - b)
    const dims = x.dims.flatMap((dim, i) => (along.includes(i) ? (keepDims ? [1] : []) : [dim]))
    return x.graph.apply(op, [x], { axes: along, keepDims }, 'f32', dims)
  }

export const reduceSum = reduce('ReduceSum')
export const reduceMean = reduce('ReduceMean')
/** The largest element; its gradient is shared among equal maxima. */
export const reduceMax = reduce('ReduceMax')

export function softmax(x: Value<'f32'>, axis = -1): Value<'f32'> {
  return x.graph.apply('Softmax', [x], { axis: axisOf('Softmax', x, axis) }, 'f32', x.dims)
}

export function logSoftmax(x: Value<'f32'>, axis = -1): Value<'f32'> {
  return x.graph.apply('LogSoftmax', [x], { axis: axisOf('LogSoftmax', x, axis) }, 'f32', x.dims)
}

/** `log Σ eˣ` over one axis, safe for large values. */
export function logSumExp(x: Value<'f32'>, axis = -1, keepDims = false): Value<'f32'> {
  const peak = stopGradient(reduceMax(x, [axis], true))
  const sum = add(log(reduceSum(exp(sub(x, peak)), [axis], true)), peak)
  return keepDims
    ? sum
    : reshape(
        sum,
        sum.dims.filter((_, i) => i !== axisOf('ReduceSum', x, axis)),
      )
}

/**
 * Layer norm over the last axis, with biased variance.
 * @param weight `[dim]` @param bias `[dim]`
 */
export function layerNorm(
  x: Value<'f32'>,
  weight: Value<'f32'>,
  bias: Value<'f32'>,
  epsilon: number,
): Value<'f32'> {
  requireLast('LayerNorm', x, weight)
  requireLast('LayerNorm', x, bias)
  return x.graph.apply('LayerNorm', [x, weight, bias], { epsilon }, 'f32', x.dims)
}

/** `w · x / √(mean(x²) + ε)` over the last axis. @see specs/ar-vlms.md §0.4 */
export function rmsNorm(x: Value<'f32'>, weight: Value<'f32'>, epsilon: number): Value<'f32'> {
  requireLast('RmsNorm', x, weight)
  return x.graph.apply('RmsNorm', [x, weight], { epsilon }, 'f32', x.dims)
}

function requireLast(op: 'LayerNorm' | 'RmsNorm', x: Value, weight: Value): void {
  if (weight.dims.length !== 1 || weight.dims[0] !== x.dims.at(-1))
    throw shapeMismatch(op, x.dims, weight.dims, 'one weight for each element of the last axis')
}

/** Zero mean and unit variance over the last axis. */
export function standardise(x: Value<'f32'>, epsilon: number): Value<'f32'> {
  const centred = sub(x, reduceMean(x, [-1], true))
  return mul(centred, reciprocal(sqrt(add(reduceMean(mul(centred, centred), [-1], true), epsilon))))
}

/**
 * Group norm of `[batch, channels, height, width]` with `weight` and `bias` `[channels]`.
 * @see Wu & He 2018
 */
export function groupNorm(
  x: Value<'f32'>,
  weight: Value<'f32'>,
  bias: Value<'f32'>,
  groups: number,
  epsilon: number,
): Value<'f32'> {
  const [batch, channels] = x.dims
  const normal = reshape(standardise(reshape(x, [batch!, groups, -1]), epsilon), x.dims)
  const perChannel = (v: Value<'f32'>) => reshape(v, [1, channels!, 1, 1])
  return add(mul(normal, perChannel(weight)), perChannel(bias))
}

/** Unit vectors along the last axis: `x / max(‖x‖, 1e-12)`. */
export function l2Normalize(x: Value<'f32'>): Value<'f32'> {
  const length = sqrt(reduceSum(mul(x, x), [-1], true))
  return div(x, maximum(length, 1e-12))
}

/** Euclidean length along the last axis, kept as size 1. */
export function reduceL2(x: Value<'f32'>, keepDims = false): Value<'f32'> {
  return sqrt(reduceSum(mul(x, x), [-1], keepDims))
}

/** `max(x, floor)` element by element. */
function maximum(x: Value<'f32'>, floor: number): Value<'f32'> {
  return where(less(x, floor), floor, x)
}

/**
 * Mean cross-entropy over the rows that are scored.
 * @param logits `[n, classes]`
 * @param targets `[n] i64` in 0 … classes − 1
 * @param counts `[n]` 1 where the row is scored, else 0
 * @returns scalar; 0 when no row counts
 */
export function crossEntropy(
  logits: Value<'f32'>,
  targets: Value<'i64'>,
  counts: Value<'f32'>,
): Value<'f32'> {
  const each = tokenCrossEntropy(logits, targets)
  return div(reduceSum(mul(each, counts)), maximum(reduceSum(counts), 1))
}

/** `−log p(target)` of each row: `[n, classes]`, `[n] i64` → `[n]`. */
export function tokenCrossEntropy(logits: Value<'f32'>, targets: Value<'i64'>): Value<'f32'> {
  const picked = gatherElements(logSoftmax(logits), reshape(targets, [targets.dims[0]!, 1]), 1)
  return neg(reshape(picked, [targets.dims[0]!]))
}

/**
 * Mean over the positions that `keep` marks.
 * @param x `[batch, seq, dim]`
 * @param keep `[batch, seq]` 0 or 1
 * @returns `[batch, dim]`
 */
export function maskedMean(x: Value<'f32'>, keep: Value<'f32'>): Value<'f32'> {
  const [batch, seq] = keep.dims
  const weights = reshape(keep, [batch!, seq!, 1])
  return div(reduceSum(mul(x, weights), [1]), maximum(reduceSum(weights, [1]), 1e-12))
}
