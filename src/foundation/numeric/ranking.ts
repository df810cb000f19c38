/**
 * @file Scores of one ranked candidate list. Tied candidates stand in random order, and every score
 * is the exact expectation over those orders: an embedder that gives the same vector to everything
 * earns chance, not first place. The published rule, where the first of the tied wins, stands
 * beside it for comparison with published figures.
 */

import { roomError } from './errors.ts'

/** Candidates that cannot be ranked. Exit code 1. */
export class ScoringError extends roomError('scoring', {
  'no-candidates': 1,
  'no-positive': 1,
  'not-finite': 1,
  'positive-index': 1,
}) {}

/** A list of `candidates` similarities (higher is better) and which of them are right. */
export interface RankedList {
  scores: ArrayLike<number>
  /** Positions of the right candidates in `scores`, each once. */
  positives: readonly number[]
}

/** Probability that a right candidate is among the first `k`. */
export function hitAt(k: number, list: RankedList): number {
  const { above, size, positives } = tieGroups(list)[0]!
  const slots = Math.min(k - above, size)
  if (slots <= 0) return 0
  let missed = 1
  for (let slot = 0; slot < slots && missed > 0; slot++) missed *= (size - positives - slot) / (size - slot)
  return 1 - missed
}

/** Expected share of the right candidates among the first `k`. */
export function recallAt(k: number, list: RankedList): number {
  let found = 0
  for (const { above, size, positives } of tieGroups(list))
    found += positives * Math.min(1, Math.max(0, (k - above) / size))
  return found / list.positives.length
}

/** Expected 1 / rank of the first right candidate; its mean over queries is MRR. */
export function reciprocalRank(list: RankedList): number {
  const { above, size, positives } = tieGroups(list)[0]!
  let expected = 0
  let stillMissed = 1
  for (let place = 0; place <= size - positives; place++) {
    const first = (stillMissed * positives) / (size - place)
    expected += first / (above + place + 1)
    stillMissed -= first
  }
  return expected
}

/**
 * Expected normalised discounted cumulative gain of the first `k`, gain 1 for a right candidate
 * (Järvelin & Kekäläinen 2002).
 */
export function ndcgAt(k: number, list: RankedList): number {
  let gain = 0
  for (const { above, size, positives } of tieGroups(list))
    gain += (positives / size) * discounts(above, Math.min(above + size, k))
  return gain / discounts(0, Math.min(list.positives.length, k))
}

/**
 * 1 when a right candidate is among the first `k` and the first of tied candidates wins (VLM2Vec's
 * argmax; specs/vlm2vec-mmeb.md), else 0.
 */
export function publishedHitAt(k: number, list: RankedList): number {
  requireRankable(list)
  const { scores, positives } = list
  return positives.some((positive) => {
    let before = 0
    for (let i = 0; i < scores.length; i++)
      if (scores[i]! > scores[positive]! || (scores[i] === scores[positive] && i < positive)) before++
    return before < k
  })
    ? 1
    : 0
}

/** Sum of 1 / log2(place + 2) over places from `start` to before `end`. */
function discounts(start: number, end: number): number {
  let sum = 0
  for (let place = start; place < end; place++) sum += 1 / Math.log2(place + 2)
  return sum
}

/** Equal scores with at least one right candidate among them. */
interface TieGroup {
  /** Candidates that score higher. */
  above: number
  size: number
  positives: number
}

/** The groups that hold right candidates, best first. */
function tieGroups(list: RankedList): TieGroup[] {
  requireRankable(list)
  const { scores, positives } = list
  const levels = [...new Set(positives.map((positive) => scores[positive]!))].sort((a, b) => b - a)
  return levels.map((level) => {
    let above = 0
    let size = 0
    for (let i = 0; i < scores.length; i++) {
      if (scores[i]! > level) above++
      else if (scores[i] === level) size++
    }
    return { above, size, positives: positives.filter((positive) => scores[positive] === level).length }
  })
}

function requireRankable({ scores, positives }: RankedList): void {
  if (scores.length === 0)
    throw new ScoringError('no-candidates', {
      message: 'no candidates to rank',
      hint: 'Check the candidates of this row.',
    })
  if (positives.length === 0)
    throw new ScoringError('no-positive', {
      message: `none of ${scores.length} candidates is marked as right`,
      hint: 'Check `positive` of this row.',
    })
  for (const positive of positives) {
    if (Number.isInteger(positive) && positive >= 0 && positive < scores.length) continue
    throw new ScoringError('positive-index', {
      message: `the right candidate is number ${positive}, expected a position from 0 to ${scores.length - 1}`,
      hint: 'Check `positive` of this row.',
    })
  }
  for (let i = 0; i < scores.length; i++) {
    if (Number.isFinite(scores[i])) continue
    throw new ScoringError('not-finite', {
      message: `candidate ${i} of ${scores.length} scores ${scores[i]}, expected a finite number`,
      hint: 'The vector of this candidate or of the query is not finite: embed it again, in f32 if it was f16.',
    })
  }
}
