/**
 * @file The objective of LaViDa: answers with masked tokens, each batch run twice with
 * complementary masks. Noising is plain arithmetic on arrays, so the graph sees token ids and
 * scored positions only.
 * @see specs/lavida.md §6; Nie et al. 2025 (LLaDA); Li et al. 2025 (LaViDa)
 */

import { mul } from '../../engine/graph/elementwise.ts'
import type { Graph, Value } from '../../engine/graph/graph.ts'
import { reduceSum, tokenCrossEntropy } from '../../engine/graph/reduction.ts'
import type { Random } from '../../foundation/numeric/random.ts'
import { f32, i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { DecoderPieces } from '../../models/families/family.ts'
import { PretrainingError } from './errors.ts'

/** No target here: prompt, image, padding. The published value. */
export const IGNORED = -100

/** One row of a batch, image tokens spliced in. */
export interface TargetRow {
  /** `[seq]` clean token ids. */
  readonly inputIds: readonly number[]
  /**
   * `[seq]` the id to be predicted, or `IGNORED`. Wherever it isn't ignored, it equals the clean
   * id.
   */
  readonly labels: readonly number[]
}

/** Uniform numbers behind a batch's masks, for f32 comparison as in the reference. */
export interface Draws {
  /** `[batch]` times, one for each row. */
  readonly t: ArrayLike<number>
  /** `[batch][seq]` one for each position, prompt included. */
  readonly u: readonly ArrayLike<number>[]
}

export interface NoisingOptions {
  maskId: number
  /** LLaDA's fill marker: a label that is never masked and never scored. */
  fillId?: number
  /** Smallest share of masked tokens; default 1e-3. */
  epsilon?: number
  /**
   * Default true: run each row a second time with the other half masked, so that every target is
   * scored once.
   */
  complementary?: boolean
  /**
   * `none` (default, the released trainer): the plain mean over all masked targets. `inverse-p`
   * (LLaDA-V, the paper's 1/t): each row's mean over its targets with weight 1/p, or 1/(1 − p) in
   * the complementary copy; rows and copies are averaged.
   */
  weighting?: 'none' | 'inverse-p'
  /**
   * `least` (default, LaViDa): where `u ≤ max(p, min u)`, the minimum over the whole row; `below`
   * (LLaDA-V): where `u < p`, so that a row may stay clean.
   */
  masking?: 'least' | 'below'
  /** Dream: the state at `i − 1` predicts token `i`. Default false. */
  shifted?: boolean
}

/** A noised batch: copy 1 of every row, then copy 2 of every row. */
export interface NoisedBatch {
  /** `[copies · batch][seq]` token ids, masks in place. */
  inputIds: number[][]
  /** `[copies][batch]` positions that are masked and scored, rising. */
  masked: number[][][]
  /** `[batch]` probability of a mask. */
  p: number[]
  /**
   * Flat positions `row · seq + at` of the states that are scored, their targets, and what each
   * counts (the weights of `none` sum to 1).
   */
  positions: number[]
  targets: number[]
  weights: number[]
}

/** Draws for a batch. */
export function drawNoise(batch: number, seq: number, random: Random): Draws {
  const t = Float32Array.from({ length: batch }, random)
  return { t, u: Array.from({ length: batch }, () => Float32Array.from({ length: seq }, random)) }
}

/**
 * Masks a batch: `p = (1 − ε)·t + ε`; a position is masked where `u ≤ max(p, min u)` (`masking`).
 * The minimum runs over the whole row, prompt included, as in the reference: copy 1 of a row may
 * end up with no masked target, copy 2 then has them all.
 * @param rows all of one length
 * @throws PretrainingError `pretraining/no-target` when no row has a target,
 *   `pretraining/ragged` when lengths differ
 */
export function noise(rows: readonly TargetRow[], draws: Draws, options: NoisingOptions): NoisedBatch {
  const {
    maskId,
    fillId,
    epsilon = 1e-3,
    complementary = true,
    weighting = 'none',
    masking = 'least',
    shifted = false,
  } = options
  const seq = rows[0]?.inputIds.length ?? 0
  if (rows.some(({ inputIds, labels }) => inputIds.length !== seq || labels.length !== seq)) {
    throw new PretrainingError('ragged', {
      message: 'rows of a batch differ in length',
      hint: 'Pad them to one length.',
    })
  }
  const batch: NoisedBatch = { inputIds: [], masked: [], p: [], positions: [], targets: [], weights: [] }
  // No state comes before the first token: shifted, nothing predicts it.
  const first = shifted ? 1 : 0
  const scored = rows.map(({ labels }) =>
    labels.flatMap((label, at) => (at >= first && label !== IGNORED && label !== fillId ? [at] : [])),
  )
  const share = Math.fround(epsilon)
  batch.p = rows.map((_, row) => Math.fround(Math.fround(Math.fround(1 - epsilon) * draws.t[row]!) + share))
  const chosen = rows.map((_, row) => {
    const u = draws.u[row]!
    const p = batch.p[row]!
    if (masking === 'below') return scored[row]!.filter((at) => u[at]! < p)
    let least = Infinity
    for (let at = 0; at < seq; at++) least = Math.min(least, u[at]!)
    return scored[row]!.filter((at) => u[at]! <= Math.max(p, least))
  })
  const copies = complementary ? 2 : 1
  for (let copy = 0; copy < copies; copy++) {
    batch.masked.push(
      chosen.map((own, row) => (copy === 0 ? own : scored[row]!.filter((at) => !own.includes(at)))),
    )
  }
  const total = batch.masked.flat(2).length
  if (total === 0) {
    throw new PretrainingError('no-target', {
      message: `none of the ${rows.length} rows has a masked target`,
      hint: 'Give at least one row with an answer, and complementary copies.',
    })
  }
  for (const [copy, masked] of batch.masked.entries()) {
    for (const [row, positions] of masked.entries()) {
      const { inputIds, labels } = rows[row]!
      const p = batch.p[row]!
      const chance = copy === 0 ? p : Math.max(1 - p, epsilon)
      const weight =
        weighting === 'none' ? 1 / total : 1 / (chance * scored[row]!.length * rows.length * copies)
      const noised = [...inputIds]
      for (const at of positions) {
        noised[at] = maskId
        batch.positions.push((copy * rows.length + row) * seq + at - (shifted ? 1 : 0))
        batch.targets.push(labels[at]!)
        batch.weights.push(weight)
      }
      batch.inputIds.push(noised)
    }
  }
  return batch
}

/** Feeds of `maskedDiffusionLoss`: `[scored]` each. */
export type LossFeeds = {
  scored_positions: Tensor<'i64'>
  scored_targets: Tensor<'i64'>
  scored_weights: Tensor<'f32'>
}

/** The scored positions of a batch as arrays to feed. */
export function lossFeeds({
  positions,
  targets,
  weights,
}: Pick<NoisedBatch, 'positions' | 'targets' | 'weights'>): LossFeeds {
  const dims = [positions.length]
  return {
    scored_positions: i64(dims, positions),
    scored_targets: i64(dims, targets),
    scored_weights: f32(dims, weights),
  }
}

/**
 * The loss in the graph, `Σ weight · CE(head(state), target)`. The head runs at the scored
 * positions only. Adds the inputs of `LossFeeds`.
 * @param decoder gives the states at flat positions of `[copies·batch, seq]`, and logits of states
 * @returns a scalar
 */
export function maskedDiffusionLoss(
  graph: Graph,
  { normAt, head }: Pick<DecoderPieces, 'normAt' | 'head'>,
): Value<'f32'> {
  const positions = graph.input('scored_positions', 'i64', ['scored'])
  const targets = graph.input('scored_targets', 'i64', ['scored'])
  const weights = graph.input('scored_weights', 'f32', ['scored'])
  return reduceSum(mul(tokenCrossEntropy(head(normAt(positions)), targets), weights))
}
