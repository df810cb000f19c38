/**
 * @file The objective of DiffusionVL: each block of a sequence is masked to a degree of its own,
 * and is filled from the clean blocks before it. One pass over `[noisy | clean]` scores all blocks.
 * @see Arriola et al. 2025 (arXiv 2503.09573); specs/diffusion-vlms.md, DiffusionVL, Loss
 */

import { f32, i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import { PretrainingError } from './errors.ts'
import { IGNORED, type NoisedBatch, type TargetRow } from './masked-diffusion.ts'

export interface BlockNoisingOptions {
  block: number
  maskId: number
  /** Token and target with which a row is filled to the next block's border; absent: not filled. */
  fillId?: number
  /** Degrees of blocks are spread evenly over the batch (default) or drawn apart. */
  antithetic?: boolean
  /** Smallest and largest share of masked tokens; default 1e-3 and 1. */
  share?: readonly [least: number, most: number]
}

/** Uniform numbers behind a batch's masks. */
export interface BlockDraws {
  /** `[rows, blocks]` flat. */
  readonly block: ArrayLike<number>
  /** `[rows, length]` flat. */
  readonly token: ArrayLike<number>
}

export interface BlockNoisedBatch extends Pick<NoisedBatch, 'positions' | 'targets' | 'weights'> {
  /** Positions of a half: the longest row, filled. */
  readonly length: number
  /** Tokens of each row, its filling included. */
  readonly lengths: readonly number[]
  /** `[rows][2·length]` ids: the noisy half, then the clean one. */
  readonly inputIds: readonly (readonly number[])[]
  /** `[rows][length]` labels, filling included. */
  readonly labels: readonly (readonly number[])[]
  /** `[rows][blocks]` degrees. */
  readonly t: readonly (readonly number[])[]
  /** `[rows]` positions that are masked. */
  readonly masked: readonly (readonly number[])[]
}

/** Tokens of a row once it is filled to a border. */
function filledLength(tokens: number, { block, fillId }: BlockNoisingOptions): number {
  return fillId === undefined ? tokens : Math.ceil(tokens / block) * block
}

/**
 * Fills and masks a batch. A state scores the token at its own position; each target of a row
 * counts `1 / (t · targets of the row · rows)`, whether or not others are masked.
 * @throws PretrainingError `pretraining/no-target` when nothing is masked
 */
export function blockNoise(
  rows: readonly TargetRow[],
  draws: BlockDraws,
  options: BlockNoisingOptions,
): BlockNoisedBatch {
  const { block, maskId, fillId = 0, antithetic = true, share: [least, most] = [1e-3, 1] } = options
  const lengths = rows.map(({ inputIds }) => filledLength(inputIds.length, options))
  const length = Math.max(...lengths)
  const blocks = Math.ceil(length / block)
  const filled = (values: readonly number[], row: number, padding: number) => [
    ...values,
    ...new Array<number>(lengths[row]! - values.length).fill(fillId),
    ...new Array<number>(length - lengths[row]!).fill(padding),
  ]
  const labels = rows.map((row, i) => filled(row.labels, i, IGNORED))
  const t = degrees(draws.block, rows.length, blocks, antithetic).map((own) =>
    own.map((degree) => Math.fround(Math.fround(degree * Math.fround(most - least)) + Math.fround(least))),
  )
  const targets = labels.map((own) => own.flatMap((label, at) => (label === IGNORED ? [] : [at])))
  const masked = targets.map((own, row) =>
    own.filter((at) => draws.token[row * length + at]! <= t[row]![Math.floor(at / block)]!),
  )
  if (masked.flat().length === 0) {
    throw new PretrainingError('no-target', {
      message: `none of the ${rows.length} rows has a masked target`,
      hint: 'Give at least one row with an answer.',
    })
  }
  const scored = masked.flatMap((own, row) => own.map((at) => ({ row, at })))
  return {
    length,
    lengths,
    labels,
    t,
    masked,
    inputIds: rows.map(({ inputIds }, row) => {
      const clean = filled(inputIds, row, 0)
      const hidden = new Set(masked[row])
      return [...clean.map((id, at) => (hidden.has(at) ? maskId : id)), ...clean]
    }),
    positions: scored.map(({ row, at }) => row * 2 * length + at),
    targets: scored.map(({ row, at }) => labels[row]![at]!),
    weights: scored.map(
      ({ row, at }) => 1 / (t[row]![Math.floor(at / block)]! * targets[row]!.length * rows.length),
    ),
  }
}

/** `[rows][blocks]` numbers from 0 to 1, in f32 as in the reference. */
function degrees(draws: ArrayLike<number>, rows: number, blocks: number, antithetic: boolean): number[][] {
  const count = rows * blocks
  const degree = (k: number) => {
    if (!antithetic) return Math.fround(draws[k]!)
    const sum = Math.fround(Math.fround(draws[k]! / count) + Math.fround(k / count))
    return sum >= 1 ? Math.fround(sum - 1) : sum
  }
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: blocks }, (_, at) => degree(row * blocks + at)),
  )
}

/** Added to scores of positions that must not be seen. */
const HIDDEN_SCORE = -1e9

/**
 * Feeds of the decoder beside the ids: `attention_mask` `[rows, 2·length]`, `position_ids`
 * `[1, rows, 2·length]`, both halves counting from 0, and `block_mask`
 * `[rows, 1, 2·length, 2·length]`, scores to add. A noisy position sees its own noisy block and the
 * clean blocks before it, a clean one the clean blocks up to its own.
 */
export function blockFeeds(
  { length, lengths }: Pick<BlockNoisedBatch, 'length' | 'lengths'>,
  block: number,
): Record<'attention_mask' | 'position_ids' | 'block_mask', Tensor> {
  const both = 2 * length
  const places = Array.from({ length: both }, (_, i) => i % length)
  const scores = new Float32Array(lengths.length * both * both).fill(HIDDEN_SCORE)
  for (const [row, own] of lengths.entries()) {
    for (let i = 0; i < both; i++) {
      for (let j = 0; j < both; j++) {
        const [query, key] = [Math.floor(places[i]! / block), Math.floor(places[j]! / block)]
        const noisy = i < length
        const seen = j < length ? noisy && key === query : noisy ? key < query : key <= query
        if (seen && places[j]! < own) scores[(row * both + i) * both + j] = 0
      }
    }
  }
  return {
    attention_mask: i64(
      [lengths.length, both],
      lengths.flatMap((own) => places.map((at) => (at < own ? 1 : 0))),
    ),
    position_ids: i64(
      [1, lengths.length, both],
      lengths.flatMap(() => places),
    ),
    block_mask: f32([lengths.length, 1, both, both], scores),
  }
}
