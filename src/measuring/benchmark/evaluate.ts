/** @file Scores of every row of a task from vectors. */

import { dot } from '../../foundation/numeric/linear.ts'
import { firstRank, hitAt, type RankedList, rank, ranked } from '../../foundation/numeric/ranking.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import type { Part, Row, Task } from '../../inputs/data/task.ts'
import type { VectorOf } from '../../models/embedder/vectors/all.ts'
import { type PerMetric, perMetric, type RankedRow } from './metrics.ts'

export interface RowScores {
  readonly id: string
  readonly cluster: string
  /** Probability that the right candidate comes first. Intervals are computed from it. */
  readonly hit1: number
  readonly metrics: PerMetric
  /**
   * 1 where the right candidate is nearer than the hard one, 1/2 where both are equally near; only
   * where the row has a hard one.
   */
  readonly apart?: number
  /**
   * Position of the nearest candidate (the first of equally near ones), and how much nearer than
   * the right one it is.
   */
  readonly best: number
  readonly scoreGap: number
  /** Key of that candidate. */
  readonly predicted: string
  /** Rank of the first right candidate, from 1; of ties the mean over their orders. */
  readonly rank: number
}

export interface TaskScores {
  readonly task: string
  readonly rows: readonly RowScores[]
}

/** One model on all tasks. */
export interface ModelScores {
  readonly model: string
  readonly tasks: readonly TaskScores[]
}

/** Ranks the candidates of each row by cosine (vectors have unit length). */
export function evaluateTask(task: Task, vectorOf: VectorOf, part: Part = 'test'): TaskScores {
  return { task: task.name, rows: task[part].map((row) => evaluateRow(row, vectorOf)) }
}

function evaluateRow(
  { id, query, candidates, positive, positives = [positive], grades, cluster, hardIndex }: Row,
  vectorOf: VectorOf,
): RowScores {
  const own = vectorOf(query.key)
  const scores = candidates.map(({ key }) => dot(own, vectorOf(key)))
  const list = rankedRow(candidates, { scores, positives, grades })
  const best = scores.reduce((top, score, i) => (score > scores[top]! ? i : top), 0)
  const margin = hardIndex === undefined ? undefined : scores[positive]! - scores[hardIndex]!
  return {
    id,
    cluster,
    hit1: hitAt(1, list.expected),
    metrics: perMetric(({ of }) => of(list)),
    ...(margin === undefined ? {} : { apart: margin > 0 ? 1 : margin === 0 ? 0.5 : 0 }),
    best,
    scoreGap: scores[best]! - Math.max(...positives.map((at) => scores[at]!)),
    predicted: candidates[best]!.key,
    rank: firstRank(list.expected),
  }
}

/**
 * The rankings of a list. A candidate that stands in it several times is one object: its first
 * place counts, and `unique` has it once.
 */
function rankedRow(
  candidates: readonly KeyedItem[],
  { scores, positives, grades }: Pick<RankedList, 'scores' | 'positives' | 'grades'>,
): RankedRow {
  const first = new Map<KeyedItem, number>()
  const again = new Map<number, number[]>()
  const once: number[] = []
  for (const [at, item] of candidates.entries()) {
    const known = first.get(item)
    if (known === undefined) {
      first.set(item, at)
      once.push(at)
    } else again.set(known, [...(again.get(known) ?? []), at])
  }
  if (again.size === 0) {
    const list = ranked({ scores, positives, grades })
    return { ...list, unique: list.expected }
  }
  // Positions of one right candidate may all be named, or one of them.
  const right = new Map<number, number | undefined>()
  for (const [i, at] of positives.entries()) right.set(first.get(candidates[at]!)!, grades?.[i])
  const kept = [...right.keys()]
  const given = { positives: kept, grades: grades && [...right.values()].map((grade) => grade ?? 1) }
  const list = ranked({ ...given, scores, copies: kept.map((at) => again.get(at) ?? []) })
  const places = new Map(once.map((at, place) => [at, place]))
  const unique = rank({
    ...given,
    scores: once.map((at) => scores[at]!),
    positives: kept.map((at) => places.get(at)!),
  })
  return { ...list, unique }
}
