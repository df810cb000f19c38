/** @file Matrix products. */

import { multiplyDims } from './dims.ts'
import { add, broadcastDims, div, mul, stopGradient, sub } from './elementwise.ts'
import { shapeMismatch } from './errors.ts'
import type { Value } from './graph.ts'
import { reduceL2 } from './reduction.ts'
import { reshape } from './shaping.ts'

/**
 * `[…, m, k] · […, k, n]` with broadcast leading axes; a vector counts as a row (left) or a column
 * (right), as in numpy.
 */
export function matMul(a: Value<'f32'>, b: Value<'f32'>): Value<'f32'> {
  if (a.dims.length === 1)
    return reshape(matMul(reshape(a, [1, a.dims[0]!]), b), [...b.dims.slice(0, -2), ...b.dims.slice(-1)])
  if (b.dims.length === 1) return reshape(matMul(a, reshape(b, [b.dims[0]!, 1])), a.dims.slice(0, -1))
  const [m, k] = a.dims.slice(-2)
  const [inner, n] = b.dims.slice(-2)
  if (k !== inner) throw shapeMismatch('MatMul', a.dims, b.dims, `inner sizes ${k} and ${inner} differ`)
  const batch = broadcastDims('MatMul', a.dims.slice(0, -2), b.dims.slice(0, -2))
  return a.graph.apply('MatMul', [a, b], {}, 'f32', [...batch, m!, n!])
}

export interface GemmOptions {
  transposeA?: boolean
  transposeB?: boolean
  /** `[n]`, added to each row. */
  bias?: Value<'f32'>
}

/**
 * `op(a)·op(b) + bias` for matrices `[m, k]`, `[k, n]` (stored transposed where the flags say so).
 */
export function gemm(
  a: Value<'f32'>,
  b: Value<'f32'>,
  { transposeA = false, transposeB = false, bias }: GemmOptions = {},
): Value<'f32'> {
  const [m, k] = transposeA ? [...a.dims].reverse() : a.dims
  const [inner, n] = transposeB ? [...b.dims].reverse() : b.dims
  if (a.dims.length !== 2 || b.dims.length !== 2 || k !== inner)
    throw shapeMismatch('Gemm', a.dims, b.dims, `matrices with equal inner sizes, got ${k} and ${inner}`)
  if (bias !== undefined && bias.dims.join() !== String(n))
    throw shapeMismatch('Gemm', b.dims, bias.dims, `the bias has one element for each of ${n} outputs`)
  return a.graph.apply(
    'Gemm',
    bias === undefined ? [a, b] : [a, b, bias],
    { transposeA, transposeB },
    'f32',
    [m!, n!],
  )
}

/**
 * `x·Wᵀ + b` over the last axis: the layout of all published checkpoints.
 * @param x `[…, in]` @param weight `[out, in]` @param bias `[out]` @returns `[…, out]`
 */
export function linear(x: Value<'f32'>, weight: Value<'f32'>, bias?: Value<'f32'>): Value<'f32'> {
  const lead = x.dims.slice(0, -1)
  const rows = reshape(x, [multiplyDims(...lead), x.dims.at(-1)!])
  return reshape(gemm(rows, weight, { transposeB: true, bias }), [...lead, weight.dims[0]!])
}

/** A layer's weight with a low-rank update: W `[out, in]`, A `[rank, in]`, B `[out, rank]`. */
export interface UpdatedWeight {
  weight: Value<'f32'>
  down: Value<'f32'>
  up: Value<'f32'>
  scale: number
}

/** `W + scale·B·A` `[out, in]`. */
export function summedWeight({ weight, down, up, scale }: UpdatedWeight): Value<'f32'> {
  return add(weight, mul(matMul(up, down), scale))
}

/**
 * The factor that brings each row of the summed weight to the length in `magnitude`. Gradients take
 * the row's own length as constant.
 * @param magnitude `[out]` @returns `[out]`
 * @see Liu et al. 2024 (DoRA), §4.3
 */
export function rowStretch(updated: UpdatedWeight, magnitude: Value<'f32'>): Value<'f32'> {
  return div(magnitude, stopGradient(reduceL2(summedWeight(updated))))
}

/**
 * A linear layer with a low-rank update: `x·Wᵀ + b + scale·(d·Aᵀ)·Bᵀ`.
 * @param dropped d: x with elements dropped; default x itself
 * @see Hu et al. 2021 (LoRA)
 */
export function loraLinear(
  x: Value<'f32'>,
  { weight, down, up, scale }: UpdatedWeight,
  bias: Value<'f32'> | undefined,
  dropped = x,
): Value<'f32'> {
  // The factor goes to the narrow product, where a pass costs least.
  const update = linear(mul(linear(dropped, down), scale), up)
  return add(linear(x, weight, bias), update)
}

/**
 * A linear layer whose update turns the weight's rows, of the lengths `magnitude` `[out]`.
 * @param dropped d: x with elements dropped. With c the stretch of the rows, the layer is then
 *   `x·Wᵀ + b + (c − 1)·d·Wᵀ + c·scale·(d·Aᵀ)·Bᵀ`, as in PEFT
 * @see Liu et al. 2024 (DoRA)
 */
export function doraLinear(
  x: Value<'f32'>,
  updated: UpdatedWeight,
  bias: Value<'f32'> | undefined,
  magnitude: Value<'f32'>,
  dropped?: Value<'f32'>,
): Value<'f32'> {
  const stretch = rowStretch(updated, magnitude)
  if (dropped !== undefined) {
    const turned = mul(loraLinear(dropped, updated, undefined), stretch)
    return add(linear(x, updated.weight, bias), sub(turned, linear(dropped, updated.weight)))
  }
  const stretched = mul(loraLinear(x, updated, undefined), stretch)
  return bias === undefined ? stretched : add(stretched, bias)
}
