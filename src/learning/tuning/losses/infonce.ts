/**
 * @file Contrastive losses inside the graph, over `[n, dim] f32` vectors of queries and their
 * targets.
 */

import { divideDim, multiplyDims } from '../../../engine/graph/dims.ts'
import { add, and, div, equal, exp, less, mul, not, softplus, where } from '../../../engine/graph/elementwise.ts'
import type { Value } from '../../../engine/graph/graph.ts'
import { iota } from '../../../engine/graph/indexing.ts'
import { matMul } from '../../../engine/graph/matmul.ts'
import { l2Normalize, reduceMean, reduceSum, tokenCrossEntropy } from '../../../engine/graph/reduction.ts'
import { concat, expand, reshape, slice, swapLast } from '../../../engine/graph/shaping.ts'
import { i64 } from '../../../foundation/numeric/tensor.ts'
import { TuningError } from '../errors.ts'

type F32 = Value<'f32'>
type I64 = Value<'i64'>

/** Far below every logit and safe in f32: its exponential is 0. */
const OUT_OF_REACH = -1e9

export interface InfoNceOptions {
  /** Logits are cosine / temperature; or, learned, cosine · exp(`logScale`), a scalar. */
  temperature: number | { logScale: F32 }
  /**
   * Also targets → queries, both halved; default false (VLM2Vec trains queries → targets only).
   * Hard negatives take part in the first only.
   */
  symmetric?: boolean
  /**
   * Rows of `targets` for each query: its positive, then hard negatives of its own. All rows are
   * candidates of all queries. Default 1.
   */
  perQuery?: number
  /** `[k, dim]` further candidates of every query, behind the targets. */
  negatives?: F32
  /**
   * `[rows of targets] i64`: candidates of the same group as a query's own target leave its
   * denominator (they are right answers too). −1 = no group.
   */
  targetGroups?: I64
  /** `[k] i64`, groups of `negatives`; default none. */
  negativeGroups?: I64
  /** Scale vectors to unit length first; default true. */
  normalize?: boolean
}

/**
 * Mean over queries of `−log softmax(logits)[own target]`.
 * @param queries `[n, dim]`
 * @param targets `[n · perQuery, dim]`
 * @returns scalar
 * @throws TuningError `tuning/loss` when the rows don't match
 * @see van den Oord et al. 2018; specs/vlm2vec-mmeb.md §5.1
 */
export function infoNce(queries: F32, targets: F32, options: InfoNceOptions): F32 {
  const {
    temperature,
    symmetric = false,
    perQuery = 1,
    normalize = true,
    negatives,
    targetGroups,
    negativeGroups,
  } = options
  const rows = queries.dims[0]!
  requireRows(queries, targets, perQuery)
  const unit = (x: F32) => (normalize ? l2Normalize(x) : x)
  const query = unit(queries)
  const target = unit(targets)
  const candidates = negatives === undefined ? target : concat([target, unit(negatives)], 0)
  const own = mul(iota(queries.graph, rows), perQuery)
  const groups = targetGroups && {
    queries: firstOfEach(targetGroups, perQuery),
    candidates:
      negatives === undefined
        ? targetGroups
        : concat([targetGroups, negativeGroups ?? noGroups(negatives)], 0),
  }
  const logits = scaled(matMul(query, swapLast(candidates)), temperature)
  const forward = ownLoss(
    groups ? withoutEqualGroups(logits, groups.queries, groups.candidates, own) : logits,
    own,
  )
  if (!symmetric) return forward
  const positives = firstOfEach(target, perQuery)
  const mirrored = scaled(matMul(positives, swapLast(query)), temperature)
  const diagonal = iota(queries.graph, rows)
  const backward = ownLoss(
    groups ? withoutEqualGroups(mirrored, groups.queries, groups.queries, diagonal) : mirrored,
    diagonal,
  )
  return mul(add(forward, backward), 0.5)
}

export interface SigmoidLossOptions {
  /** Scalars: logits are cosine · exp(`logScale`) + `bias`. */
  logScale: F32
  bias: F32
  /**
   * `[n] i64`: pairs of a query with another target of its own group count neither way. −1 = no
   * group.
   */
  groups?: I64
}

/**
 * `−Σ log σ(±logit) / n` over all pairs, + for a query with its own target.
 * @param queries `[n, dim]` @param targets `[n, dim]` @returns scalar
 * @see Zhai et al. 2023 (SigLIP)
 */
export function sigmoidLoss(queries: F32, targets: F32, { logScale, bias, groups }: SigmoidLossOptions): F32 {
  requireRows(queries, targets, 1)
  const rows = queries.dims[0]!
  const logits = add(scaled(matMul(l2Normalize(queries), swapLast(l2Normalize(targets))), { logScale }), bias)
  const own = iota(queries.graph, rows)
  const isOwn = equal(column(own), row(own))
  const each = softplus(mul(logits, where(isOwn, -1, 1)))
  const counted = groups === undefined ? each : where(rightToo(groups, groups, own), 0, each)
  return reduceMean(reduceSum(counted, [1]))
}

export interface MatryoshkaOptions {
  /** Leading dimensions that shall serve as vectors of their own. */
  dims: readonly number[]
  /** Weight of each; default 1. The sum is not divided by them. */
  weights?: readonly number[]
}

/**
 * The weighted sum of a loss over truncated vectors; each truncation is normalised anew by the
 * loss.
 * @param loss gets `cut`, which keeps the leading dimensions of `[n, dim]`
 * @example
 * const options = { temperature: 0.02 }
 * matryoshka({ dims: [64, 192] }, (cut) => infoNce(cut(queries), cut(targets), options))
 * @see Kusupati et al. 2022
 */
export function matryoshka(
  { dims, weights = dims.map(() => 1) }: MatryoshkaOptions,
  loss: (cut: (x: F32) => F32) => F32,
): F32 {
  if (dims.length === 0 || weights.length !== dims.length) {
    throw new TuningError('loss', {
      message: `${dims.length} Matryoshka dims have ${weights.length} weights`,
      hint: 'Give one weight for each.',
    })
  }
  return dims
    .map((dim, i) =>
      mul(
        loss((x) => slice(x, -1, 0, dim)),
        weights[i]!,
      ),
    )
    .reduce((a, b) => add(a, b))
}

function scaled(cosines: F32, temperature: InfoNceOptions['temperature']): F32 {
  return typeof temperature === 'number' ? div(cosines, temperature) : mul(cosines, exp(temperature.logScale))
}

function ownLoss(logits: F32, own: I64): F32 {
  return reduceMean(tokenCrossEntropy(logits, own))
}

/** Takes candidates of a query's own group, its own target excepted, out of reach. */
function withoutEqualGroups(logits: F32, queryGroups: I64, candidateGroups: I64, own: I64): F32 {
  return where(rightToo(queryGroups, candidateGroups, own), OUT_OF_REACH, logits)
}

/** `[n, m]`: candidates that are right for a query though not its own. */
function rightToo(queryGroups: I64, candidateGroups: I64, own: I64): Value<'bool'> {
  const same = equal(column(queryGroups), row(candidateGroups))
  const grouped = not(less(column(queryGroups), 0))
  const isOwn = equal(column(own), row(iota(own.graph, candidateGroups.dims[0]!)))
  return and(and(same, grouped), not(isOwn))
}

const column = (x: I64): I64 => reshape(x, [x.dims[0]!, 1])
const row = (x: I64): I64 => reshape(x, [1, x.dims[0]!])

/** Row 0, `each`, 2 · `each` … */
function firstOfEach<T extends 'f32' | 'i64'>(x: Value<T>, each: number): Value<T> {
  if (each === 1) return x
  const blocks = divideDim(x.dims[0]!, each) ?? -1
  const rest = x.dims.slice(1)
  return reshape(slice(reshape(x, [blocks, each, ...rest]), 1, 0, 1), [blocks, ...rest])
}

function noGroups(negatives: F32): I64 {
  return expand(negatives.graph.constant(i64([1], [-1])), [negatives.dims[0]!])
}

function requireRows(queries: F32, targets: F32, perQuery: number): void {
  const expected = multiplyDims(queries.dims[0]!, perQuery)
  if (
    queries.dims.length === 2 &&
    targets.dims.length === 2 &&
    targets.dims[0] === expected &&
    targets.dims[1] === queries.dims[1]
  )
    return
  throw new TuningError('loss', {
    message: `queries [${queries.dims}] and targets [${targets.dims}] do not fit: ${perQuery} targets a query`,
    hint: 'Both are [rows, dim] with the same dim; each query has its positive first, then its own hard negatives.',
  })
}
