/**
 * @file Which of several readouts serves: the best on dev rows, never on the rows that are scored.
 */

import { mean } from '../../foundation/numeric/statistics.ts'
import type { Part, Task } from '../../inputs/data/task.ts'
import type { AllVectors, VectorOf } from '../../models/embedder/vectors/all.ts'
import { evaluateTask, type ModelScores } from './evaluate.ts'

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
export function chooseReadout(
  tasks: readonly Task[],
  vectors: AllVectors,
  readouts: readonly string[],
): ReadoutChoice {
  const [first = '', ...others] = readouts
  const hit = (name: string) => meanHit1(scoresOf(name, tasks, vectors.of(name), 'dev'))
  const dev = Object.fromEntries(readouts.map((name) => [name, hit(name)]))
  return { readout: others.reduce((top, name) => (dev[name]! > dev[top]! ? name : top), first), dev }
}

/** One model on all tasks. */
export function scoresOf(
  model: string,
  tasks: readonly Task[],
  vectorOf: VectorOf,
  part: Part = 'test',
): ModelScores {
  return { model, tasks: tasks.map((task) => evaluateTask(task, vectorOf, part)) }
}

/** Mean of the task means of hit@1. */
export function meanHit1({ tasks }: ModelScores): number {
  return mean(tasks.map(({ rows }) => mean(rows.map(({ hit1 }) => hit1))))
}
