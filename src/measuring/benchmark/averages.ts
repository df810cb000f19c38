/**
 * @file The published averages over the datasets of MMEB: which of them a dataset belongs to, and
 * their values.
 * @see specs/vlm2vec-mmeb.md §4.4
 */

import { mean } from '../../foundation/numeric/statistics.ts'
import { SUBSETS, type Subset, subsetOf } from '../../inputs/data/mmeb/subsets.ts'
import type { PerMetric } from './metrics.ts'

/**
 * Names of the averages, in the order of the published tables. `without_grounding` is that of
 * papers that leave grounding out (arXiv 2602.06056).
 */
export const AVERAGES = ['CLS', 'VQA', 'RET', 'VG', 'IND', 'OOD', 'overall', 'without_grounding'] as const
export type Average = (typeof AVERAGES)[number]

const OF_META_TASK = { classification: 'CLS', vqa: 'VQA', retrieval: 'RET', grounding: 'VG' } as const

/** The averages that a dataset belongs to; none for one that is not averaged. */
export function averagesOf({ metaTask, domain, averaged }: Omit<Subset, 'parser'>): Average[] {
  if (!averaged) return []
  const own: Average[] = [OF_META_TASK[metaTask], domain === 'in' ? 'IND' : 'OOD', 'overall']
  return metaTask === 'grounding' ? own : [...own, 'without_grounding']
}

/** All datasets of an average: no fewer give the published figure. */
export function datasetsOf(average: Average): string[] {
  return [...SUBSETS.keys()].filter((name) => averagesOf(subsetOf(name)).includes(average))
}

/** A task's scores, and the averages that it belongs to. */
export interface AveragedTask {
  readonly name: string
  readonly averages: readonly string[]
  readonly scores: PerMetric
}

/** An average over tasks. */
export interface MacroAverage {
  readonly name: string
  readonly tasks: readonly string[]
  /** Of each metric that all its tasks have. */
  readonly scores: PerMetric
}

/**
 * Unweighted means over tasks: every task counts the same, whatever the number of its queries.
 * Averages without a task are left out.
 * @param known names that come first, in their order; default: the published ones
 */
export function macroAverages(
  tasks: readonly AveragedTask[],
  known: readonly string[] = AVERAGES,
): MacroAverage[] {
  const others = tasks.flatMap(({ averages }) => averages.filter((name) => !known.includes(name)))
  return [...new Set([...known, ...others])].flatMap((name) => {
    const own = tasks.filter(({ averages }) => averages.includes(name))
    const [first] = own
    if (first === undefined) return []
    const metrics = Object.keys(first.scores).filter((metric) =>
      own.every(({ scores }) => scores[metric] !== undefined),
    )
    return [
      {
        name,
        tasks: own.map((task) => task.name),
        scores: Object.fromEntries(
          metrics.map((metric) => [metric, mean(own.map(({ scores }) => scores[metric]!))]),
        ),
      },
    ]
  })
}
