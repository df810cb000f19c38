/** @file Chooses the negatives of one pair among the nearest wrong targets of its query. */

import { type Random, shuffle } from '../../foundation/numeric/random.ts'
import type { FilledRules } from './options.ts'

/** A wrong target. */
export interface Candidate {
  /** Its place in the list of targets. */
  readonly target: number
  /** Its similarity with the query: a cosine. */
  readonly score: number
}

/**
 * Cuts the window, removes what lies outside the limits, and chooses.
 * @param nearest wrong targets, the nearest first, from rank 1
 * @param own     similarity of the query with the pair's own target
 * @param left    targets that are negatives of the pair already
 * @param random  for the rule `random`
 * @returns the negatives, the nearest first; fewer than wanted where not enough are left
 */
export function chosenNegatives(
  nearest: readonly Candidate[],
  own: number,
  rules: FilledRules,
  { left, random }: { left: ReadonlySet<number>; random: () => Random },
): Candidate[] {
  const { negatives, from, to, margin, relativeMargin, minScore, maxScore, sample } = rules
  // Where the own target is unlike its query, a share of a negative cosine would raise the limit.
  const share = Number.isFinite(relativeMargin) ? relativeMargin * Math.abs(own) : relativeMargin
  const most = Math.min(maxScore, own - margin, own - share)
  const kept = nearest
    .slice(from - 1, to)
    .filter(({ target, score }) => score <= most && score >= minScore && !left.has(target))
  if (sample === 'top' || kept.length <= negatives) return kept.slice(0, negatives)
  const drawn = new Set(shuffle([...kept], random()).slice(0, negatives))
  return kept.filter((one) => drawn.has(one))
}
