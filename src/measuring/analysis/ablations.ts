/**
 * @file Scores of many readouts from stored vectors: layer, norm, pooling and attention come with
 * the vectors; fewer dimensions and fewer bits are made of them here. The model does not run again.
 */

import { bootstrapMean, type Interval } from '../../foundation/numeric/bootstrap.ts'
import { pairedDifference } from '../../foundation/numeric/bounded.ts'
import { int8Rows } from '../../foundation/numeric/int8.ts'
import { l2NormaliseRows, shapeOf } from '../../foundation/numeric/linear.ts'
import { f32, type Tensor, zeros } from '../../foundation/numeric/tensor.ts'
import type { Readout } from '../../models/embedder/readout.ts'

const QUANTIZATIONS = ['none', 'int8', 'binary'] as const
export type AblatedForm = (typeof QUANTIZATIONS)[number]

/** Vectors of one readout under one attention. */
export interface AblationSource {
  readonly readout: Readout
  readonly attention: string
  /** The readout in use. */
  readonly base: boolean
  /** Elements of its vectors. */
  readonly dim: number
  /**
   * The score of each row, 0 to 1, from vectors in another form.
   * @param form makes vectors of stored ones, `[rows, dim]` → `[rows, fewer]`
   */
  score(form: (vectors: Tensor<'f32'>) => Tensor<'f32'>): Promise<Float64Array>
}

export interface AblationOptions {
  readonly seed: number
  /** `[rows]` what is drawn together. */
  readonly clusters: readonly string[]
  /** Numbers of leading elements; default: all, a half, a quarter and an eighth. */
  readonly dims?: readonly number[]
  readonly onProgress?: (progress: { done: number; total: number }) => void
}

/** One readout in one form. */
export interface AblatedReadout extends Pick<Readout, 'layer' | 'norm' | 'pool'> {
  readonly attention: string
  readonly dims: number
  readonly quantize: AblatedForm
  /** Of one vector. */
  readonly bytes: number
  readonly base: boolean
  readonly interval: Interval
  /** To the readout in use, on the same rows; null for itself. */
  readonly difference: Interval | null
}

/**
 * Scores every source in every form.
 * @param sources one of them is the base
 * @example
 * await ablate([{ readout, attention: 'causal', base: true, dim, score }], { seed: 7, clusters })
 */
export async function ablate(
  sources: readonly AblationSource[],
  { seed, clusters, dims: given, onProgress }: AblationOptions,
): Promise<AblatedReadout[]> {
  const scored: (Omit<AblatedReadout, 'interval' | 'difference'> & { values: Float64Array })[] = []
  for (const [done, { readout, attention, base, dim, score }] of sources.entries()) {
    onProgress?.({ done, total: sources.length })
    const { layer, norm, pool } = readout
    for (const dims of given?.filter((size) => size <= dim) ?? halvedDims(dim)) {
      for (const quantize of QUANTIZATIONS) {
        const values = await score((vectors) => inForm(vectors, dims, quantize))
        const own = base && dims === dim && quantize === 'none'
        scored.push({
          ...{ layer, norm, pool, attention, dims, quantize, base: own, values },
          bytes: bytesOf(dims, quantize),
        })
      }
    }
  }
  const base = scored.find((one) => one.base)?.values
  return scored.map(({ values, ...one }) => {
    const { value, low, high } = bootstrapMean(values, clusters, { seed, expanded: true })
    const pair = base === undefined || one.base ? undefined : { a: values, b: base, clusters }
    return {
      ...one,
      interval: { value, low: Math.max(0, low), high: Math.min(1, high) },
      difference: pair === undefined ? null : pairedDifference([pair], { seed }),
    }
  })
}

/** All, a half, a quarter and an eighth, but no fewer than eight elements. */
function halvedDims(dim: number): number[] {
  return [1, 2, 4, 8].map((part) => Math.floor(dim / part)).filter((dims, i) => i === 0 || dims >= 8)
}

/** The vectors that a reader of this form has, at unit length. @param vectors `[rows, dim]` */
export function inForm(vectors: Tensor<'f32'>, dims: number, quantize: AblatedForm): Tensor<'f32'> {
  const { rows, dim } = shapeOf(vectors)
  const kept = zeros([rows, dims])
  for (let row = 0; row < rows; row++)
    kept.data.set(vectors.data.subarray(row * dim, row * dim + dims), row * dims)
  if (quantize === 'none') return l2NormaliseRows(kept)
  // The scale of a vector changes no cosine.
  if (quantize === 'int8') return l2NormaliseRows(f32(kept.dims, int8Rows(kept).values.data))
  // Cosines of signs rank as their Hamming distances do.
  return l2NormaliseRows(
    f32(
      kept.dims,
      kept.data.map((value) => (value > 0 ? 1 : -1)),
    ),
  )
}

function bytesOf(dims: number, quantize: AblatedForm): number {
  if (quantize === 'int8') return dims + 4
  return quantize === 'binary' ? Math.ceil(dims / 8) : 4 * dims
}
