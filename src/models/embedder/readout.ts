/**
 * @file Readouts: from the hidden states of one forward pass to vectors. Every pooling is a
 * weighted mean over positions, so one graph input of weights serves any number of readouts.
 * @see specs/lavida.md §7; DESIGN "Readout"
 */

import { div } from '../../engine/graph/elementwise.ts'
import type { Value } from '../../engine/graph/graph.ts'
import { matMul } from '../../engine/graph/matmul.ts'
import { l2Normalize, reduceSum } from '../../engine/graph/reduction.ts'
import { reshape, slice, sliceAt } from '../../engine/graph/shaping.ts'
import { roomError } from '../../foundation/numeric/errors.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'

/** A readout that an item can't give. */
export class ReadoutError extends roomError('readout', {
  'no-position': 2,
}) {}

/**
 * `last`: the last position. `mean`: all. `mean-text`, `mean-image`: text or image positions only.
 * `mean-tail`: the positions after the instruction. `weighted`: weights 1 … n (for causal models).
 * `eos`: the last end-of-text token, which the prompt must hold. `mask`: mean over the mask tokens,
 * which the prompt must hold; `mask-shifted`: over the positions one before each, whose states
 * predict them in Dream.
 */
export const pools = [
  'last',
  'mean',
  'mean-text',
  'mean-image',
  'mean-tail',
  'weighted',
  'eos',
  'mask',
  'mask-shifted',
] as const
export type Pool = (typeof pools)[number]

/**
 * A state of the decoder: `inputs` is the one before the first layer, 0 the one after the first
 * layer, and so on. Everything that counts layers counts them like this.
 */
export type LayerName = 'inputs' | number

/** Where a vector is read. */
export interface Readout {
  /** Which state of the decoder. */
  layer: LayerName | 'last'
  /** Before or after the final norm; `after` is for `layer: 'last'`. */
  norm: 'before' | 'after'
  pool: Pool
  /** Leading elements that are kept (Matryoshka); default all. */
  dims?: number
}

/**
 * All states of a decoder of so many layers, first to last. @example layerNames(2) // ['inputs', 0,
 * 1]
 */
export function layerNames(layers: number): LayerName[] {
  return ['inputs', ...Array.from({ length: layers }, (_, layer) => layer)]
}

/** The name of a layer's output among stages: `layer.07`, counted as in `Readout.layer`. */
export function layerStage(index: number): string {
  return `layer.${String(index).padStart(2, '0')}`
}

/** The poolings of several readouts, each once: a pass needs one array of weights for each. */
export function poolsOf(readouts: readonly Readout[]): Pool[] {
  return [...new Set(readouts.map((readout) => readout.pool))]
}

/** The part of a `PreparedItem` that pooling reads. */
export interface PoolableItem {
  /** `[seq]` */
  readonly inputIds: readonly number[]
  /** `[seq]`; −1 at text. */
  readonly imageIndex: readonly number[]
  /**
   * Half-open ranges that count as text; default: all that is no image. A family's marks around a
   * picture are neither.
   */
  readonly text?: readonly (readonly [start: number, end: number])[]
  /** First position after the instruction. */
  readonly tailStart: number
}

/** Ids of the tokens that some poolings look for. */
export interface PoolTokens {
  readonly eos?: number
  readonly mask?: number
}

/**
 * Weights of the positions of one item, unpadded: `[seq]`.
 * @throws ReadoutError `readout/no-position` when the item has no position of the kind
 */
export function poolWeights(pool: Pool, item: PoolableItem, tokens: PoolTokens = {}): Float32Array {
  const length = item.inputIds.length
  const isImage = (at: number) => item.imageIndex[at] !== -1
  const isText = (at: number) => item.text?.some(([start, end]) => at >= start && at < end) ?? !isImage(at)
  const holds = (at: number, id: number | undefined) =>
    id !== undefined && isText(at) && item.inputIds[at] === id
  const lastEos = item.inputIds.findLastIndex((_, at) => holds(at, tokens.eos))
  const weight: { readonly [P in Pool]: (at: number) => number | boolean } = {
    last: (at) => at === length - 1,
    mean: () => 1,
    'mean-text': isText,
    'mean-image': isImage,
    'mean-tail': (at) => at >= item.tailStart,
    weighted: (at) => at + 1,
    eos: (at) => at === lastEos,
    mask: (at) => holds(at, tokens.mask),
    'mask-shifted': (at) => holds(at + 1, tokens.mask),
  }
  const weights = Float32Array.from({ length }, (_, at) => Number(weight[pool](at)))
  if (weights.some((value) => value > 0)) return weights
  throw new ReadoutError('no-position', {
    message: `pool "${pool}": none of the ${length} positions of this item qualifies`,
    hint: HINTS[pool] ?? 'The item is empty.',
  })
}

const HINTS: { readonly [P in Pool]?: string } = {
  'mean-image': 'The item has no image: choose a pooling that text-only items have too.',
  'mean-tail': 'There is nothing after the instruction.',
  eos: 'Append the end-of-text token to the prompt.',
  mask: 'Append a mask token to the prompt.',
  'mask-shifted': 'Append a mask token to the prompt.',
}

/**
 * The feed `pool_weights` of a padded batch.
 * @param weights for each pooling, for each item: `[seq of the item]`
 * @param starts  position of each item's first token in its row; 0 where padding is on the right
 * @returns `[poolings, batch, seq] f32`, 0 at padding
 */
export function poolWeightsFeed(
  weights: readonly (readonly Float32Array[])[],
  seq: number,
  starts: readonly number[] = [],
): Tensor<'f32'> {
  const batch = weights[0]?.length ?? 0
  const data = new Float32Array(weights.length * batch * seq)
  weights.forEach((items, readout) => {
    for (const [i, item] of items.entries()) data.set(item, (readout * batch + i) * seq + (starts[i] ?? 0))
  })
  return f32([weights.length, batch, seq], data)
}

/**
 * `Σ w·h / Σ w`, cut to `dims`, then to unit length.
 * @param hidden  `[batch, seq, hidden]` @param weights `[batch, seq]`, not all 0 in a row
 * @returns `[batch, dims]` unit vectors
 */
export function pool(hidden: Value<'f32'>, weights: Value<'f32'>, dims?: number): Value<'f32'> {
  const [batch, seq, width] = hidden.dims
  const share = div(weights, reduceSum(weights, [1], true))
  // A product of matrices, [batch, 1, seq] · [batch, seq, hidden]: no array of the size of the
  // hidden states is made.
  const mean = reshape(matMul(reshape(share, [batch!, 1, seq!]), hidden), [batch!, width!])
  return l2Normalize(dims === undefined ? mean : slice(mean, 1, 0, dims))
}

/**
 * Weights of one pooling out of the feed.
 * @param all `[poolings, batch, seq]`
 * @returns `[batch, seq]`
 */
export function weightsOf(all: Value<'f32'>, pooling: number): Value<'f32'> {
  return reshape(sliceAt(all, 0, pooling, 1), all.dims.slice(1))
}
