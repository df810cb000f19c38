/** @file Scores of every row of a task from vectors. */

import { firstRank, hitAt, type RankedList, rank, ranked } from '../../foundation/numeric/ranking.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import type { Part, Row, Task } from '../../inputs/data/task.ts'
import type { VectorOf } from '../../models/embedder/vectors/all.ts'
import { exactScores } from './exact-scores.ts'
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

export interface EvaluateOptions {
  /** Of the engine, for large tasks. Default: as many as the machine has. */
  threads?: number
  signal?: AbortSignal
}

/**
 * Ranks the candidates of each row by cosine (vectors have unit length). Scores are inner products
 * in f64, the same bits whatever the task's size: see `exactScores`.
 * @throws as `Similarity.own`
 */
export async function evaluateTask(
  task: Task,
  vectorOf: VectorOf,
  part: Part = 'test',
  options: EvaluateOptions = {},
): Promise<TaskScores> {
  const rows: RowScores[] = []
  for await (const { row, scores } of exactScores(task[part], vectorOf, options))
    rows.push(evaluatedRow(row, scores))
  return { task: task.name, rows }
}

function evaluatedRow(
  { id, candidates, positive, positives = [positive], grades, cluster, hardIndex }: Row,
  scores: ArrayLike<number>,
): RowScores {
  const list = rankedRow(candidates, { scores, positives, grades })
  let best = 0
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[best]!) best = i
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
