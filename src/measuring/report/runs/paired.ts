/** @file Two models on the same rows. */

import {
  type BootstrapOptions,
  type Interval,
  pairedMeanOfTasks,
} from '../../../foundation/numeric/bootstrap.ts'
import type { ModelScores, TaskScores } from '../../benchmark/evaluate.ts'

/** The tasks of both, in the order of the first. */
export function shared(a: ModelScores, b: ModelScores): [ModelScores, ModelScores] {
  const second = (name: string) => b.tasks.find(({ task }) => task === name)
  const both = a.tasks.filter(({ task, rows }) => second(task)?.rows.length === rows.length)
  return [
    { model: a.model, tasks: both },
    { model: b.model, tasks: both.map(({ task }) => second(task)!) },
  ]
}

/** hit@1 of `a` − `b`, mean over tasks that stand in both. */
export function pairedDifference(
  a: readonly TaskScores[],
  b: readonly TaskScores[],
  options: BootstrapOptions,
): Interval {
  const pairs = a.map(({ task, rows }) => ({
    a: rows.map(({ hit1 }) => hit1),
    b: b.find((one) => one.task === task)!.rows.map(({ hit1 }) => hit1),
    clusters: rows.map(({ cluster }) => cluster),
  }))
  return pairedMeanOfTasks(pairs, { ...options, expanded: true })
}
