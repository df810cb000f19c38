/** @file The tasks on which two models were scored row by row. */

import type { ModelScores } from '../../benchmark/evaluate.ts'

/** The tasks of both, in the order of the first. */
export function shared(a: ModelScores, b: ModelScores): [ModelScores, ModelScores] {
  const second = (name: string) => b.tasks.find(({ task }) => task === name)
  const both = a.tasks.filter(({ task, rows }) => second(task)?.rows.length === rows.length)
  return [
    { model: a.model, tasks: both },
    { model: b.model, tasks: both.map(({ task }) => second(task)!) },
  ]
}
