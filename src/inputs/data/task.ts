/**
 * @file A task: rows that ask which of several candidates fits a query. A pair: a query and its
 * target, to learn from.
 */

import type { KeyedItem } from './item.ts'

/** Kinds of tasks, as MMEB groups them. @see specs/vlm2vec-mmeb.md */
export const META_TASKS = ['classification', 'vqa', 'retrieval', 'grounding'] as const
export type MetaTask = (typeof META_TASKS)[number]

/** Which rows of a task are scored. */
export type Part = 'dev' | 'test'

/** One query and its candidates. */
export interface Row {
  /** Unique within the task. */
  readonly id: string
  readonly query: KeyedItem
  /** A training row holds the right candidate and its hard negatives only. */
  readonly candidates: readonly KeyedItem[]
  /** Position of the right candidate; of several, of a best one. */
  readonly positive: number
  /** Positions of all right candidates, where there are several. */
  readonly positives?: readonly number[]
  /** How relevant each of `positives` is, above 0; absent: all the same. */
  readonly grades?: readonly number[]
  /** Rows of one cluster are resampled together: they share a thing. */
  readonly cluster: string
  /** Position of the candidate that the score "apart" compares with the right one. */
  readonly hardIndex?: number
}

/** A named set of rows. Items of a shared pool are the same objects in every row. */
export interface Task {
  readonly name: string
  readonly metaTask: MetaTask
  /** Whether the test rows are of a kind that training shows. */
  readonly domain: 'in' | 'out'
  /** How far the test rows lie from training, in finer steps than `domain`. A label for reports. */
  readonly shift: string
  /** Why the task stands on its shift, in words. */
  readonly reason: string
  /** hit@1 of a blind guess. */
  readonly chance: number
  readonly train: readonly Row[]
  readonly dev: readonly Row[]
  readonly test: readonly Row[]
}

/** A query with its target, and wrong targets that look right. */
export interface Pair {
  readonly query: KeyedItem
  readonly target: KeyedItem
  readonly negatives: readonly KeyedItem[]
  /** A teacher's scores of query and target, and of query and each negative. */
  readonly teacher?: { readonly target: number; readonly negatives: readonly number[] }
}

/** Rows as pairs: the right candidate is the target, all others are negatives. */
export function pairsOf(rows: readonly Row[]): Pair[] {
  return rows.map(({ query, candidates, positive }) => ({
    query,
    target: candidates[positive]!,
    negatives: candidates.filter((_, i) => i !== positive),
  }))
}

/** hit@1 of a blind guess: the mean share of candidates that are right; 0 of no rows. */
export function chanceOf(rows: readonly Row[]): number {
  const sum = rows.reduce((all, row) => all + (row.positives?.length ?? 1) / row.candidates.length, 0)
  return rows.length === 0 ? 0 : sum / rows.length
}
