/**
 * @file Matryoshka: a loss over vectors cut to their leading dimensions.
 * @see Kusupati et al. 2022
 */

import { add, mul } from '../../../engine/graph/elementwise.ts'
import { l2Normalize } from '../../../engine/graph/reduction.ts'
import { slice } from '../../../engine/graph/shaping.ts'
import { TuningError } from '../errors.ts'
import type { ContrastiveLoss, F32 } from './loss.ts'
import type { MatryoshkaSettings } from './settings.ts'

/**
 * The weighted sum of `loss` over vectors that are cut and brought back to unit length. Figures are
 * those of the longest cut. A margin on the model's own cosines sees the cut vectors.
 */
export function matryoshka({ dims, weights }: MatryoshkaSettings, loss: ContrastiveLoss): ContrastiveLoss {
  return {
    ...loss,
    name: `${loss.name}, Matryoshka`,
    build(vectors) {
      requireDims(dims, vectors.queries)
      const built = dims.map((dim) => {
        const cut = (x: F32) => l2Normalize(slice(x, -1, 0, dim))
        return loss.build({
          ...vectors,
          queries: cut(vectors.queries),
          targets: cut(vectors.targets),
          negatives: vectors.negatives && cut(vectors.negatives),
        })
      })
      return {
        loss: built.map((part, i) => mul(part.loss, weights?.[i] ?? 1)).reduce((a, b) => add(a, b)),
        metrics: built[dims.indexOf(Math.max(...dims))]!.metrics,
      }
    },
  }
}

function requireDims(dims: readonly number[], { dims: [, width] }: F32): void {
  if (typeof width === 'number') checkCuts(dims, width)
}

/** @throws TuningError `tuning/loss` where a cut is longer than the vectors */
export function checkCuts(dims: readonly number[], width: number): void {
  if (Math.max(...dims) <= width) return
  throw new TuningError('loss', {
    message: `Matryoshka dims ${dims.join(', ')} of vectors with ${width} dimensions`,
    hint: `Give dims of at most ${width}.`,
  })
}
