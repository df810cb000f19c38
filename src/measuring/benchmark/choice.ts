/**
 * @file Which of several readouts serves: the best on dev rows, never on the rows that are scored.
 */

import { mean } from '../../foundation/numeric/statistics.ts'
import type { Part, Task } from '../../inputs/data/task.ts'
import type { AllVectors, VectorOf } from '../../models/embedder/vectors/all.ts'
import { evaluateTask, type ModelScores, type TaskScores } from './evaluate.ts'

export interface ReadoutChoice {
  /** The name of the best one; of equally good ones the first. */
  readonly readout: string
  /** Mean dev hit@1 of every readout, by name. */
  readonly dev: Readonly<Record<string, number>>
}

/**
 * @param vectors of the dev items
 * @param readouts names, at least one
 */
export async function chooseReadout(
  tasks: readonly Task[],
  vectors: AllVectors,
  readouts: readonly string[],
): Promise<ReadoutChoice> {
  const [first = '', ...others] = readouts
  const dev: Record<string, number> = {}
  for (const name of readouts) dev[name] = meanHit1(await scoresOf(name, tasks, vectors.of(name), 'dev'))
  return { readout: others.reduce((top, name) => (dev[name]! > dev[top]! ? name : top), first), dev }
}

/** One model on all tasks. */
export async function scoresOf(
  model: string,
  tasks: readonly Task[],
  vectorOf: VectorOf,
  part: Part = 'test',
): Promise<ModelScores> {
  const scored: TaskScores[] = []
  for (const task of tasks) scored.push(await evaluateTask(task, vectorOf, part))
  return { model, tasks: scored }
}

/** Mean of the task means of hit@1. */
export function meanHit1({ tasks }: ModelScores): number {
  return mean(tasks.map(({ rows }) => mean(rows.map(({ hit1 }) => hit1))))
}
