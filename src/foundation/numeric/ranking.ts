/**
 * @file Scores of one ranked candidate list, with graded relevance. Tied candidates stand in random
 * order, and every score is the exact expectation over those orders: an embedder that gives the
 * same vector to everything earns chance, not first place. Two other rules for ties stand beside
 * it: the published one, where the first of the tied wins, and the strict one, where a tie is lost.
 * @see McSherry & Najork 2008, "Computing information retrieval performance measures efficiently in
 *   the presence of tied scores"
 */

import { roomError } from './errors.ts'

/** Candidates that cannot be ranked. Exit code 1. */
export class ScoringError extends roomError('scoring', {
  grades: 1,
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
  /** How relevant each right candidate is, above 0; default 1 each. */
  grades?: readonly number[]
}

/**
 * The order of candidates with equal scores. `expected`: every order is equally likely. `first`:
 * the order of the list, as an argmax or a stable sort has it (VLM2Vec; specs/vlm2vec-mmeb.md).
 * `strict`: wrong candidates before right ones, right ones with rising grade.
 */
export type Ties = 'expected' | 'first' | 'strict'

/** Candidates of equal score with at least one right candidate among them. */
interface TieGroup {
  /** Candidates that stand before all of these. */
  readonly above: number
  readonly size: number
  /** Grades of the right candidates among them. */
  readonly grades: readonly number[]
}

/** The places of the right candidates on a list; best first. */
export interface Ranking {
  readonly groups: readonly TieGroup[]
  /** Number of right candidates. */
  readonly positives: number
}

/**
 * Finds the places of the right candidates.
 * @throws ScoringError `scoring/no-candidates`, `scoring/no-positive`, `scoring/positive-index`,
 *   `scoring/grades`, `scoring/not-finite`
 * @example ndcgAt(10, rank({ scores: [0.3, 0.9, 0.5], positives: [2, 0], grades: [3, 1] }))
 */
export function rank(list: RankedList, ties: Ties = 'expected'): Ranking {
  return ranked(list)[ties]
}

/** The places under each rule for ties, in one pass. @throws as `rank` */
export function ranked(list: RankedList): Readonly<Record<Ties, Ranking>> {
  requireRankable(list)
  const { scores, positives, grades } = list
  const levels = [...new Set(positives.map((positive) => scores[positive]!))].sort((a, b) => b - a)
  const right = levels.map((): { at: number; grade: number }[] => [])
  for (const [i, at] of positives.entries())
    right[firstAtMost(levels, scores[at]!)]!.push({ at, grade: grades?.[i] ?? 1 })
  const { above, tied } = places(scores, levels)
  const made: Record<Ties, TieGroup[]> = { expected: [], first: [], strict: [] }
  for (const [level, members] of right.entries()) {
    const before = above[level]!
    const all = tied[level]!
    made.expected.push({ above: before, size: all.length, grades: members.map(({ grade }) => grade) })
    for (const { at, grade } of members.toSorted((a, b) => a.at - b.at))
      made.first.push({ above: before + firstAtLeast(all, at), size: 1, grades: [grade] })
    const wrong = all.length - members.length
    for (const [i, { grade }] of members.toSorted((a, b) => a.grade - b.grade).entries())
      made.strict.push({ above: before + wrong + i, size: 1, grades: [grade] })
  }
  const ranking = (groups: readonly TieGroup[]): Ranking => ({ groups, positives: positives.length })
  return {
    expected: ranking(made.expected),
    first: ranking(made.first),
    strict: ranking(made.strict),
  }
}

/** Probability that a right candidate is among the first `k`. */
export function hitAt(k: number, { groups }: Ranking): number {
  const { above, size, grades } = groups[0]!
  const slots = Math.min(k - above, size)
  if (slots <= 0) return 0
  let missed = 1
  for (let slot = 0; slot < slots && missed > 0; slot++)
    missed *= (size - grades.length - slot) / (size - slot)
  return 1 - missed
}

/** Expected share of the right candidates among the first `k`. */
export function recallAt(k: number, { groups, positives }: Ranking): number {
  let found = 0
  for (const { above, size, grades } of groups)
    found += grades.length * Math.min(1, Math.max(0, (k - above) / size))
  return found / positives
}

/** Expected 1 / rank of the first right candidate; its mean over queries is MRR. */
export function reciprocalRank({ groups }: Ranking): number {
  const { above, size, grades } = groups[0]!
  let expected = 0
  let stillMissed = 1
  for (let place = 0; place <= size - grades.length; place++) {
    const first = (stillMissed * grades.length) / (size - place)
    expected += first / (above + place + 1)
    stillMissed -= first
  }
  return expected
}

/**
 * Expected mean, over the right candidates, of the precision at their rank; its mean over queries
 * is MAP.
 */
export function averagePrecision({ groups, positives }: Ranking): number {
  let sum = 0
  let found = 0
  for (const { above, size, grades } of groups) {
    const right = grades.length
    // Share of right ones among the others of the group.
    const density = size > 1 ? (right - 1) / (size - 1) : 0
    for (let place = 0; place < size; place++)
      sum += ((right / size) * (found + 1 + place * density)) / (above + place + 1)
    found += right
  }
  return sum / positives
}

/**
 * The worth of a candidate of a grade: `linear`, the grade itself (trec_eval, BEIR); `exponential`,
 * 2^grade − 1 (Burges et al. 2005).
 */
export type Gain = 'linear' | 'exponential'

/**
 * Expected normalised discounted cumulative gain of the first `k` (Järvelin & Kekäläinen 2002).
 */
export function ndcgAt(k: number, { groups }: Ranking, gain: Gain = 'linear'): number {
  const worth = (grade: number) => (gain === 'linear' ? grade : 2 ** grade - 1)
  let gained = 0
  for (const { above, size, grades } of groups) {
    const mean = grades.reduce((sum, grade) => sum + worth(grade), 0) / size
    gained += mean * discounts(above, Math.min(above + size, k))
  }
  const best = groups.flatMap(({ grades }) => grades).sort((a, b) => b - a)
  const ideal = best.slice(0, k).reduce((sum, grade, place) => sum + worth(grade) * discounts(place), 0)
  return gained / ideal
}

/** Sum of 1 / log2(place + 2) over places from `start` to before `end`. */
function discounts(start: number, end = start + 1): number {
  let sum = 0
  for (let place = start; place < end; place++) sum += 1 / Math.log2(place + 2)
  return sum
}

/**
 * For each level, the number of candidates that score higher and the positions of those that score
 * the same, rising.
 * @param levels scores, falling
 */
function places(scores: ArrayLike<number>, levels: readonly number[]) {
  const above = new Uint32Array(levels.length)
  const tied = levels.map((): number[] => [])
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!
    const level = firstAtMost(levels, score)
    if (level === levels.length) continue
    if (levels[level] === score) tied[level]!.push(i)
    else above[level] = above[level]! + 1
  }
  let before = 0
  for (let level = 0; level < levels.length; level++) {
    before += above[level]!
    above[level] = before
    before += tied[level]!.length
  }
  return { above, tied }
}

/** The first place in a falling list whose value is at most `value`; its length where none is. */
function firstAtMost(falling: readonly number[], value: number): number {
  let [low, high] = [0, falling.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (falling[middle]! > value) low = middle + 1
    else high = middle
  }
  return low
}

/** The first place in a rising list whose value is at least `value`. */
function firstAtLeast(rising: readonly number[], value: number): number {
  let [low, high] = [0, rising.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (rising[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

function requireRankable({ scores, positives, grades }: RankedList): void {
  const hint = 'Check the candidates of this row, and which of them are right.'
  if (scores.length === 0) throw new ScoringError('no-candidates', { message: 'no candidates to rank', hint })
  if (positives.length === 0) {
    const message = `none of ${scores.length} candidates is marked as right`
    throw new ScoringError('no-positive', { message, hint })
  }
  const seen = new Set<number>()
  for (const positive of positives) {
    const fits = Number.isInteger(positive) && positive >= 0 && positive < scores.length
    if (fits && !seen.has(positive)) {
      seen.add(positive)
      continue
    }
    const message = fits
      ? `candidate ${positive} is marked as right twice`
      : `the right candidate is number ${positive}, expected a position from 0 to ${scores.length - 1}`
    throw new ScoringError('positive-index', { message, hint })
  }
  const bad = grades?.find((grade) => !(grade > 0 && Number.isFinite(grade)))
  if (grades !== undefined && (grades.length !== positives.length || bad !== undefined)) {
    const message =
      bad === undefined
        ? `${grades.length} grades for ${positives.length} right candidates`
        : `a right candidate has the grade ${bad}, expected a number above 0`
    throw new ScoringError('grades', { message, hint })
  }
  for (let i = 0; i < scores.length; i++) {
    if (Number.isFinite(scores[i])) continue
    throw new ScoringError('not-finite', {
      message: `candidate ${i} of ${scores.length} scores ${scores[i]}, expected a finite number`,
      hint: 'The vector of this candidate or of the query is not finite: embed it again, in f32 if it was f16.',
    })
  }
}
