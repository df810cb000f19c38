/** @file Figures of a batch for the log, from the logits of its rows. */

import { less, where } from '../../../engine/graph/elementwise.ts'
import { gatherElements, iota } from '../../../engine/graph/indexing.ts'
import { reduceMax, reduceMean, reduceSum } from '../../../engine/graph/reduction.ts'
import { reshape } from '../../../engine/graph/shaping.ts'
import { isOwn } from './candidates.ts'
import type { Bool, BuiltLoss, F32 } from './loss.ts'

/** Far below every logit and safe in f32: its exponential is 0. */
const OUT_OF_REACH = -1e9

/** Logits of barred candidates go out of reach. */
export function withoutBarred(logits: F32, barred: readonly Bool[]): F32 {
  return barred.reduce((rest, bar) => where(bar, OUT_OF_REACH, rest), logits)
}

/**
 * @param logits `[rows, candidates]` as `withoutBarred` gives them; row `i` has its answer at `i`
 */
export function metricsOf(logits: F32): BuiltLoss['metrics'] {
  const { graph } = logits
  const rows = logits.dims[0]!
  const answer = gatherElements(logits, reshape(iota(graph, rows), [rows, 1]), 1)
  const rival = reduceMax(where(isOwn(logits), OUT_OF_REACH, logits), [1], true)
  return {
    accuracy: reduceMean(where(less(rival, answer), 1, 0)),
    candidates: reduceMean(reduceSum(where(less(logits, OUT_OF_REACH / 2), 0, 1), [1])),
  }
}
