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
  /**
   * For each right candidate, the positions at which it stands again, with the same score. It takes
   * all these places, and the first of them counts (VLM2Vec; specs/vlm2vec-mmeb.md §9.5).
   */
  copies?: readonly (readonly number[])[]
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
  /** How often each of these stands among them. */
  readonly counts: readonly number[]
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
  const { scores, positives, grades, copies } = list
  const levels = [...new Set(positives.map((positive) => scores[positive]!))].sort((a, b) => b - a)
  const right = levels.map((): Right[] => [])
  for (const [i, at] of positives.entries())
    right[firstAtMost(levels, scores[at]!)]!.push({
      places: copies === undefined ? [at] : [at, ...copies[i]!],
      grade: grades?.[i] ?? 1,
    })
  const { above, tied } = places(scores, levels)
  const made: Record<Ties, TieGroup[]> = { expected: [], first: [], strict: [] }
  for (const [level, members] of right.entries()) {
    const before = above[level]!
    const all = tied[level]!
    made.expected.push({
      above: before,
      size: all.length,
      grades: members.map(({ grade }) => grade),
      counts: members.map(({ places }) => places.length),
    })
    const entries = members.flatMap((member) => member.places.map((at) => ({ at, member })))
    const alone = (above: number, { grade }: Right) => ({ above, size: 1, grades: [grade], counts: [1] })
    for (const { at, member } of firsts(entries.toSorted((a, b) => a.at - b.at)))
      made.first.push(alone(before + firstAtLeast(all, at), member))
    const wrong = all.length - entries.length
    const rising = entries.toSorted((a, b) => a.member.grade - b.member.grade || a.at - b.at)
    for (const { place, member } of firsts(rising)) made.strict.push(alone(before + wrong + place, member))
  }
  const ranking = (groups: readonly TieGroup[]): Ranking => ({ groups, positives: positives.length })
  return {
    expected: ranking(made.expected),
    first: ranking(made.first),
    strict: ranking(made.strict),
  }
}

/** A right candidate and the positions at which it stands. */
interface Right {
  readonly places: readonly number[]
  readonly grade: number
}

/** The first entry of each right candidate, and its place among the entries. */
function firsts<T extends { readonly member: Right }>(entries: readonly T[]): (T & { place: number })[] {
  const seen = new Set<Right>()
  return entries.flatMap((entry, place) => {
    if (seen.has(entry.member)) return []
    seen.add(entry.member)
    return [{ ...entry, place }]
  })
}

/** Probability that a right candidate is among the first `k`. */
export function hitAt(k: number, { groups }: Ranking): number {
  const { above, size, counts } = groups[0]!
  return 1 - missedBy(k - above, size, total(counts))
}

/** Expected share of the right candidates among the first `k`. */
export function recallAt(k: number, { groups, positives }: Ranking): number {
  let found = 0
  for (const { above, size, counts } of groups)
    for (const count of counts) found += 1 - missedBy(k - above, size, count)
  return found / positives
}

/** Probability that none of `count` entries is among the first `slots` of `size`. */
function missedBy(slots: number, size: number, count: number): number {
  let missed = 1
  for (let slot = 0; slot < Math.min(slots, size) && missed > 0; slot++)
    missed *= Math.max(0, size - count - slot) / (size - slot)
  return missed
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}

/** Expected 1 / rank of the first right candidate; its mean over queries is MRR. */
export function reciprocalRank({ groups }: Ranking): number {
  const { above, size, counts } = groups[0]!
  return firstPlaces(size, total(counts)).reduce((sum, first, place) => sum + first / (above + place + 1), 0)
}

/** For each place of `size`, the probability that the first of `count` entries stands there. */
function firstPlaces(size: number, count: number): number[] {
  let stillMissed = 1
  return Array.from({ length: size - count + 1 }, (_, place) => {
    const first = (stillMissed * count) / (size - place)
    stillMissed -= first
    return first
  })
}

/** Expected rank of the first right candidate, from 1. */
export function firstRank({ groups }: Ranking): number {
  const { above, size, counts } = groups[0]!
  return above + (size + 1) / (total(counts) + 1)
}

/**
 * Expected mean, over the right candidates, of the precision at their rank; its mean over queries
 * is MAP.
 */
export function averagePrecision({ groups, positives }: Ranking): number {
  let sum = 0
  let found = 0
  for (const { above, size, grades, counts } of groups) {
    const right = grades.length
    if (total(counts) === right) {
      // Share of right ones among the others of the group.
      const density = size > 1 ? (right - 1) / (size - 1) : 0
      for (let place = 0; place < size; place++)
        sum += ((right / size) * (found + 1 + place * density)) / (above + place + 1)
    } else {
      for (const [i, count] of counts.entries())
        for (const [place, first] of firstPlaces(size, count).entries()) {
          // The entries before it are drawn from all that are not its own.
          const before = counts.reduce(
            (before, other, j) => before + (i === j ? 0 : 1 - missedBy(place, size - count, other)),
            0,
          )
          sum += (first * (found + 1 + before)) / (above + place + 1)
        }
    }
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
  for (const { above, size, grades, counts } of groups) {
    const once = grades.reduce((sum, grade, i) => sum + (counts[i] === 1 ? worth(grade) : 0), 0)
    gained += (once / size) * discounts(above, Math.min(above + size, k))
    for (const [i, count] of counts.entries())
      if (count > 1)
        for (const [place, first] of firstPlaces(size, count).entries())
          if (above + place < k) gained += first * worth(grades[i]!) * discounts(above + place)
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

function requireRankable({ scores, positives, grades, copies }: RankedList): void {
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
  for (const [i, places] of copies?.entries() ?? [])
    for (const at of places) {
      if (!seen.has(at) && scores[at] !== undefined && scores[at] === scores[positives[i]!]) {
        seen.add(at)
        continue
      }
      const message = `candidate ${at} is named as a copy of candidate ${positives[i]}, and is none`
      throw new ScoringError('positive-index', { message, hint })
    }
  if (copies !== undefined && copies.length !== positives.length) {
    const message = `copies of ${copies.length} candidates for ${positives.length} right ones`
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
