/** @file Attention with grouped heads: one implementation for every tower and decoder. */

import type { Dim } from '../graph/dims.ts'
import { multiplyDims } from '../graph/dims.ts'
import { add, and, cast, div, equal, lessOrEqual, mul, neg, not, where } from '../graph/elementwise.ts'
import type { Graph, Value } from '../graph/graph.ts'
import { iota } from '../graph/indexing.ts'
import { matMul } from '../graph/matmul.ts'
import { reduceMax, softmax } from '../graph/reduction.ts'
import { reshape, transpose } from '../graph/shaping.ts'
import { rmsNorm } from './norm.ts'
import { type Rotary, rotate } from './rotary.ts'
import type { Scope } from './scope.ts'

export interface AttentionShape {
  hidden: number
  heads: number
  /** Fewer than `heads` where several query heads share one (Ainslie et al. 2023). */
  keyValueHeads: number
  headDim: number
}

/**
 * The positions that a position may look at: itself and earlier ones, all, or those of its own and
 * earlier blocks. Blocks hold `block` positions each and are counted from the first real token; the
 * last one may be short. A block of 1 is causal, one as long as the sequence bidirectional.
 * @see Arriola et al. 2025 (arXiv 2503.09573); specs/diffusion-vlms.md §0
 */
export type AttentionPattern = 'causal' | 'bidirectional' | BlockPattern

interface BlockPattern {
  readonly block: number
}

/**
 * A pattern, or a mask of the caller's own: scores to add before the softmax,
 * `[batch or 1, 1, seq, seq]`, which then hide padding too: 0 or −10⁹.
 */
export type Attention = AttentionPattern | Value<'f32'>

/**
 * Added to the scores of keys that must not be seen. Not −∞: a row without any key stays finite.
 */
const HIDDEN_SCORE = -1e9

/** Negated, later than any position; exact in f32. */
const NO_POSITION = -(2 ** 24)

/**
 * Scores to add before the softmax, or `undefined` when every key may be seen.
 * @param keep `[batch, seq] i64`, 1 for real tokens, 0 for padding on either side; padded keys get
 *   no weight, padded queries are undefined
 * @returns `[batch or 1, 1, seq or 1, seq]`
 */
export function attentionMask(
  graph: Graph,
  pattern: Attention,
  seq: Dim,
  keep?: Value<'i64'>,
): Value<'f32'> | undefined {
  if (typeof pattern === 'object' && !('block' in pattern)) return pattern
  const real = keep && reshape(not(equal(keep, 0)), [keep.dims[0]!, 1, 1, seq])
  const step = stepsOf(graph, pattern, seq, keep)
  const batch = step?.dims[0]
  const past = step && lessOrEqual(reshape(step, [batch!, 1, 1, seq]), reshape(step, [batch!, 1, seq, 1]))
  const seen = real && past ? and(real, past) : (real ?? past)
  return seen && maskOf(seen)
}

/** The mask that hides all but some keys. @param seen `[batch or 1, 1, queries, keys]` */
function maskOf(seen: Value<'bool'>): Value<'f32'> {
  return where(seen, 0, HIDDEN_SCORE)
}

/**
 * A position sees those whose step is not later than its own: the position itself, or its block.
 * @returns `[batch or 1, seq] i64`; `undefined` where all see each other
 */
function stepsOf(
  graph: Graph,
  pattern: AttentionPattern,
  seq: Dim,
  keep?: Value<'i64'>,
): Value<'i64'> | undefined {
  if (pattern === 'bidirectional') return undefined
  const at = reshape(iota(graph, seq), [1, seq])
  // Blocks of one need no first token: the order alone decides.
  if (pattern === 'causal' || pattern.block === 1) return at
  if (keep === undefined) return div(at, pattern.block)
  // The first real token: the largest of the negated positions.
  const negated = neg(cast(at, 'f32'))
  const first = reduceMax(where(not(equal(keep, 0)), negated, NO_POSITION), [1], true)
  // Division goes towards zero. Positions before the first token are padding, which the mask hides.
  return div(add(at, cast(first, 'i64')), pattern.block)
}

/**
 * `softmax(q·kᵀ/√headDim + mask)·v`. Query head `j` reads key head `⌊j·keyValueHeads/heads⌋`: the
 * query heads of one key head are laid end to end as rows of one product, so nothing is copied.
 * @param query `[batch, queries, heads, headDim]`
 * @param key `[batch, keys, keyValueHeads, headDim]` @param value as `key`
 * @param mask  broadcast against `[batch, heads, queries, keys]`
 * @returns `[batch, queries, heads·headDim]`
 * @see Vaswani et al. 2017; specs/ar-vlms.md §0.5
 */
export function attend(
  query: Value<'f32'>,
  key: Value<'f32'>,
  value: Value<'f32'>,
  mask?: Value<'f32'>,
): Value<'f32'> {
  const [batch, queries, heads, headDim] = query.dims
  const [, keys, groups] = key.dims
  const rows = multiplyDims(Number(heads) / Number(groups), queries!)
  const scaled = mul(transpose(query, [0, 2, 1, 3]), Number(headDim) ** -0.5)
  const products = matMul(reshape(scaled, [batch!, groups!, rows, headDim!]), transpose(key, [0, 2, 3, 1]))
  const scores = reshape(products, [batch!, heads!, queries!, keys!])
  const weights = softmax(mask === undefined ? scores : add(scores, mask))
  const mixed = matMul(reshape(weights, [batch!, groups!, rows, keys!]), transpose(value, [0, 2, 1, 3]))
  const apart = transpose(reshape(mixed, [batch!, heads!, queries!, headDim!]), [0, 2, 1, 3])
  return reshape(apart, [batch!, queries!, multiplyDims(heads!, headDim!)])
}

/** `[batch, seq, heads·headDim]` → `[batch, seq, heads, headDim]`. */
export function splitHeads(x: Value<'f32'>, heads: number): Value<'f32'> {
  const [batch, seq, width] = x.dims
  return reshape(x, [batch!, seq!, heads, Number(width) / heads])
}

/** A family's names of the four projections, and which of them have a bias. */
export interface AttentionNames {
  query: string
  key: string
  value: string
  output: string
  /** Biases of query, key and value. */
  inputBias: boolean
  outputBias: boolean
  /** RMS norms of each query and key head before it is turned (Qwen3). */
  headNorm?: { query: string; key: string; epsilon: number }
}

/** Mask and positions of a whole stack of layers. */
export interface AttentionContext {
  mask?: Value<'f32'>
  rotary?: Rotary
}

/**
 * Attention of a sequence to itself.
 * @param x `[batch, seq, hidden]` @returns `[batch, seq, hidden]`
 */
export function selfAttention(
  scope: Scope,
  x: Value<'f32'>,
  names: AttentionNames,
  shape: AttentionShape,
  at: AttentionContext,
): Value<'f32'> {
  const project = (name: string, heads: number) =>
    splitHeads(scope.linear(x, name, shape.hidden, heads * shape.headDim, { bias: names.inputBias }), heads)
  const turned = (heads: Value<'f32'>) => (at.rotary === undefined ? heads : rotate(heads, at.rotary))
  const { headNorm } = names
  const normed = (heads: Value<'f32'>, name?: string) =>
    name === undefined || headNorm === undefined
      ? heads
      : rmsNorm(scope, heads, name, shape.headDim, headNorm.epsilon)
  const query = turned(normed(project(names.query, shape.heads), headNorm?.query))
  const key = turned(normed(project(names.key, shape.keyValueHeads), headNorm?.key))
  const mixed = attend(query, key, project(names.value, shape.keyValueHeads), at.mask)
  return scope.linear(mixed, names.output, shape.heads * shape.headDim, shape.hidden, {
    bias: names.outputBias,
  })
}
