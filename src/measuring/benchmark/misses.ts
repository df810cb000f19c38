/** @file The worst misses of a model: wrong candidates that were much nearer than the right one. */

import type { Row, Task } from '../../inputs/data/task.ts'
import type { ModelScores } from './evaluate.ts'

export interface Miss {
  readonly task: Task
  readonly row: Row
  /** Position of the candidate that won. */
  readonly candidate: number
  /** How much nearer it is than the right one, in cosine; above 0. */
  readonly scoreGap: number
}

/** The worst miss of each task, the worst tasks first; at most so many. */
export function worstMisses({ tasks: scored }: ModelScores, tasks: readonly Task[], most: number): Miss[] {
  return scored
    .flatMap(({ task: name, rows }): Miss[] => {
      const task = tasks.find((one) => one.name === name)
      if (task === undefined) return []
      const misses = rows.flatMap(({ scoreGap, best }, i) =>
        scoreGap > 0 ? [{ task, row: task.test[i]!, candidate: best, scoreGap }] : [],
      )
      const [first, ...others] = misses
      if (first === undefined) return []
      return [others.reduce((top, miss) => (miss.scoreGap > top.scoreGap ? miss : top), first)]
    })
    .sort((a, b) => b.scoreGap - a.scoreGap || (a.task.name < b.task.name ? -1 : 1))
    .slice(0, most)
}
