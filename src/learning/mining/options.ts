/** @file Options of mining: the rules by which negatives are chosen, with their defaults. */

import { z } from 'zod'
import { abortSignal, callback, MOST_THREADS, type OptionSchemas } from '../../foundation/files/options.ts'
import { MiningError } from './errors.ts'

/**
 * Which of the nearest wrong targets become negatives. Names in brackets are those of
 * sentence-transformers' `mine_hard_negatives`, whose order of steps this is: window, then limits,
 * then choice.
 */
export interface MiningRules {
  /** Negatives of a pair, at most (`num_negatives`). Default 3. */
  negatives?: number
  /** First rank of the window among wrong targets, from 1 (`range_min` + 1). Default 1. */
  from?: number
  /**
   * Last rank of the window (`range_max`). Default: room for ten times as many as are wanted where
   * a limit may remove some, else for as many.
   */
  to?: number
  /**
   * A negative is at least so much less similar than the pair's own target (`absolute_margin`); 0:
   * no more similar. Default: no such limit.
   */
  margin?: number
  /**
   * The same as a share of the own target's similarity (`relative_margin`); null: no such limit.
   * Default 0.05 where no `margin` is given: "TopK-PercPos" at 95 %, the best rule of NV-Retriever
   * (de Souza P. Moreira et al. 2024, arXiv 2407.15831). sentence-transformers has no margin by
   * default.
   */
  relativeMargin?: number | null
  /** Least and largest similarity of a negative (`min_score`, `max_score`). */
  minScore?: number
  maxScore?: number
  /** The nearest ones that are left, or a draw from them (`sampling_strategy`). Default `top`. */
  sample?: 'top' | 'random'
  /** Of the draw. Default 7. */
  seed?: number
}

const rank = z.int().min(1)
const score = z.number()

const miningRuleSchemas: OptionSchemas<MiningRules> = {
  negatives: rank,
  from: rank,
  to: rank,
  margin: score.min(0).max(2),
  relativeMargin: score.min(0).max(1).nullable(),
  minScore: score,
  maxScore: score,
  sample: z.enum(['top', 'random']),
  seed: z.int(),
}

export interface MineOptions extends MiningRules {
  /** The file of JSON lines to write. */
  out: string
  /**
   * Folder in which vectors are kept, also those of other runs and models. Default: `OUT.vectors`,
   * which is removed at the end.
   */
  vectors?: string
  /** Whether the first pair that cannot be read or embedded ends the call. Else it is left out. */
  strict?: boolean
  /** Threads of the search; default: as many as the machine has. */
  threads?: number
  signal?: AbortSignal
  onProgress?: (at: { label: 'embed' | 'search' | 'write'; done: number; total: number }) => void
  warn?: (message: string) => void
}

export const mineOptionSchemas: OptionSchemas<MineOptions> = {
  ...miningRuleSchemas,
  out: z.string().min(1),
  vectors: z.string().min(1),
  strict: z.boolean(),
  threads: z.int().min(1).max(MOST_THREADS),
  signal: abortSignal,
  onProgress: callback,
  warn: callback,
}

/** All rules. Margins of −∞ and limits of ±∞ remove nothing. */
export type FilledRules = Readonly<Required<MiningRules> & { relativeMargin: number }>

/** @throws MiningError `mining/window` */
export function filledRules(given: MiningRules): FilledRules {
  const { negatives = 3, from = 1, margin = -Infinity, sample = 'top', seed = 7 } = given
  const { minScore = -Infinity, maxScore = Infinity } = given
  const { relativeMargin: share = given.margin === undefined ? 0.05 : null } = given
  const relativeMargin = share ?? -Infinity
  const limits = [margin, relativeMargin, minScore, maxScore]
  const drawn = sample === 'random' || limits.some(Number.isFinite)
  const { to = from - 1 + negatives * (drawn ? 10 : 1) } = given
  if (to - from + 1 < negatives) {
    throw new MiningError('window', {
      message: `ranks ${from} to ${to} hold ${Math.max(0, to - from + 1)} targets, ${negatives} negatives are wanted`,
      hint: 'Raise the last rank (--to), or ask for fewer negatives (--negatives).',
    })
  }
  return { negatives, from, to, margin, relativeMargin, minScore, maxScore, sample, seed }
}
