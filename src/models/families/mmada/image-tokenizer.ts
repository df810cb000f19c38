/**
 * @file MAGVIT-v2, the image tokenizer: a convolutional encoder whose signs are the bits of a code,
 * and the decoder back to pixels. All in f32: a code flips where rounding flips a sign.
 * @see Yu et al. 2024 (lookup-free quantisation); specs/mmada.md §3.2–3.4
 */

import { conv2d, upsampleNearest } from '../../../engine/graph/convolution.ts'
import { multiplyDims } from '../../../engine/graph/dims.ts'
import { add, cast, less, mul, silu } from '../../../engine/graph/elementwise.ts'
import type { Value } from '../../../engine/graph/graph.ts'
import { groupNorm, reduceSum } from '../../../engine/graph/reduction.ts'
import { pad, reshape, transpose } from '../../../engine/graph/shaping.ts'
import { attend } from '../../../engine/nn/attention.ts'
import type { Scope } from '../../../engine/nn/scope.ts'
import { f32 } from '../../../foundation/numeric/tensor.ts'
import type { ConvolutionStack } from './config.ts'

/** Groups of every norm; published checkpoints have no other. */
export const GROUPS = 32
const EPSILON = 1e-6

/**
 * @param pixels `[views, 3, height, width]` from −1 to 1, sides multiples of the stack's factor
 * @returns latents `[views, bits, height / factor, width / factor]`, before the sign
 */
export function encodeImage(
  scope: Scope,
  { width, multipliers, blocks, bits }: ConvolutionStack,
  pixels: Value<'f32'>,
): Value<'f32'> {
  const encoder = scope.under('encoder')
  let x = conv(encoder, pixels, 'conv_in', { out: width, kernel: 3, padding: 1 })
  for (const [level, multiplier] of multipliers.entries()) {
    const down = encoder.under(`down.${level}`)
    for (let block = 0; block < blocks[level]!; block++)
      x = residual(down.under(`block.${block}`), x, width * multiplier)
    // A row of zeros at the bottom and a column at the right only, as the reference pads before it
    // strides.
    if (level < multipliers.length - 1)
      x = conv(down, x, 'downsample.conv', {
        out: width * multiplier,
        kernel: 3,
        stride: 2,
        padding: [0, 0, 1, 1],
      })
  }
  const normed = swishNorm(encoder, middle(encoder.under('mid'), x), 'norm_out')
  const latents = conv(encoder, normed, 'conv_out', { out: bits, kernel: 3, padding: 1 })
  return conv(encoder, latents, 'quant_conv', { out: bits, kernel: 1 })
}

/**
 * The signs as bits, the first channel the most significant: a latent of exactly 0 is a 0 bit.
 * @param latents `[views, bits, rows, columns]`
 * @returns `[views, rows·columns]`, whole numbers below 2^bits, row by row
 */
export function codesOf(latents: Value<'f32'>): Value<'f32'> {
  const [views, bits, rows, columns] = latents.dims
  const { graph } = latents
  const set = cast(less(graph.scalar(0), latents), 'f32')
  const codes = reduceSum(mul(set, graph.constant(bitValues(Number(bits)))), [1])
  return reshape(codes, [views!, multiplyDims(rows!, columns!)])
}

/** `[1, bits, 1, 1]`: 2^(bits − 1), …, 2, 1. */
function bitValues(bits: number) {
  return f32(
    [1, bits, 1, 1],
    Array.from({ length: bits }, (_, i) => 2 ** (bits - 1 - i)),
  )
}

/**
 * The vectors of ±1 that codes stand for.
 * @param code `[views, rows, columns]` whole numbers below 2^bits
 * @returns `[views, bits, rows, columns]`
 */
export function signsOf(
  code: readonly number[],
  bits: number,
  [rows, columns]: readonly [number, number],
): Float32Array {
  const cells = rows * columns
  const signs = new Float32Array((code.length / cells) * bits * cells)
  for (const [at, value] of code.entries()) {
    const [view, cell] = [Math.floor(at / cells), at % cells]
    for (let bit = 0; bit < bits; bit++)
      signs[(view * bits + bit) * cells + cell] = (value >> (bits - 1 - bit)) & 1 ? 1 : -1
  }
  return signs
}

/**
 * @param signs `[views, bits, rows, columns]` of ±1
 * @returns pixels `[views, 3, rows·factor, columns·factor]`, about −1 to 1
 */
export function decodeImage(
  scope: Scope,
  { width, multipliers, blocks, bits }: ConvolutionStack,
  signs: Value<'f32'>,
): Value<'f32'> {
  const decoder = scope.under('decoder')
  const widest = width * multipliers.at(-1)!
  const latents = conv(decoder, signs, 'post_quant_conv', { out: bits, kernel: 1 })
  let x = middle(
    decoder.under('mid'),
    conv(decoder, latents, 'conv_in', { out: widest, kernel: 3, padding: 1 }),
  )
  for (const [level, multiplier] of [...multipliers.entries()].reverse()) {
    const up = decoder.under(`up.${level}`)
    for (let block = 0; block < blocks[level]!; block++)
      x = residual(up.under(`block.${block}`), x, width * multiplier)
    if (level > 0)
      x = conv(up, upsampleNearest(x, 2), 'upsample.conv', { out: width * multiplier, kernel: 3, padding: 1 })
  }
  return conv(decoder, swishNorm(decoder, x, 'norm_out'), 'conv_out', { out: 3, kernel: 3, padding: 1 })
}

interface ConvShape {
  out: number
  kernel: number
  stride?: number
  padding?: number | [number, number, number, number]
}

/**
 * `<name>.weight` `[out, in, kernel, kernel]` and `<name>.bias`. On WebGPU the engine (1.30)
 * convolves wrongly where channels are two more than a multiple of four: two channels of zeros step
 * around that.
 */
function conv(
  scope: Scope,
  x: Value<'f32'>,
  name: string,
  { out, kernel, ...options }: ConvShape,
): Value<'f32'> {
  const weight = scope.weight(`${name}.weight`, [out, channels(x), kernel, kernel])
  const missing = kernel > 1 && channels(x) % 4 === 2 ? 2 : 0
  return conv2d(
    pad(x, 1, 0, missing),
    pad(weight, 1, 0, missing),
    scope.weight(`${name}.bias`, [out]),
    options,
  )
}

function norm(scope: Scope, x: Value<'f32'>, name: string): Value<'f32'> {
  const dims = [channels(x)]
  return groupNorm(
    x,
    scope.weight(`${name}.weight`, dims),
    scope.weight(`${name}.bias`, dims),
    GROUPS,
    EPSILON,
  )
}

function swishNorm(scope: Scope, x: Value<'f32'>, name: string): Value<'f32'> {
  return silu(norm(scope, x, name))
}

/** Two convolutions, the input added; a 1×1 convolution of the input where the width changes. */
function residual(scope: Scope, x: Value<'f32'>, out: number): Value<'f32'> {
  const first = conv(scope, swishNorm(scope, x, 'norm1'), 'conv1', { out, kernel: 3, padding: 1 })
  const second = conv(scope, swishNorm(scope, first, 'norm2'), 'conv2', { out, kernel: 3, padding: 1 })
  return add(channels(x) === out ? x : conv(scope, x, 'nin_shortcut', { out, kernel: 1 }), second)
}

/**
 * The only place where cells see each other beyond their neighbours: single-head attention over all
 * of them.
 */
function middle(scope: Scope, x: Value<'f32'>): Value<'f32'> {
  const width = channels(x)
  const before = residual(scope.under('block_1'), x, width)
  return residual(scope.under('block_2'), add(before, cellAttention(scope.under('attn_1'), before)), width)
}

function cellAttention(scope: Scope, x: Value<'f32'>): Value<'f32'> {
  const [views, width, rows, columns] = x.dims
  const cells = multiplyDims(rows!, columns!)
  const normed = norm(scope, x, 'norm')
  const tokens = (name: string) => {
    const map = conv(scope, normed, name, { out: Number(width), kernel: 1 })
    return reshape(transpose(reshape(map, [views!, width!, cells]), [0, 2, 1]), [views!, cells, 1, width!])
  }
  const mixed = transpose(attend(tokens('q'), tokens('k'), tokens('v')), [0, 2, 1])
  return conv(scope, reshape(mixed, x.dims), 'proj_out', { out: Number(width), kernel: 1 })
}

function channels(x: Value<'f32'>): number {
  return Number(x.dims[1])
}
