/** @file `paper.json`: everything that the tables of the plan `paper` are made from. */

import type { StudyWorld } from '../world.ts'
import { type Causes, causesOf } from './cause.ts'
import { causeSentences } from './cause-words.ts'
import { type FactorEffect, type FactorRun, type FactorTask, factorTable } from './factors.ts'
import type { PaperPlan } from './plan.ts'
import { type PaperRecord, valuesOf } from './record.ts'
import type { MissingModel } from './weights.ts'
import { effectWords } from './words.ts'

/** Results of the plan: everything that its tables are made from. */
export interface PaperResults {
  readonly schemaVersion: 1
  readonly command: string
  readonly tasks: readonly (Omit<FactorTask, 'clusters'> & { readonly clusters: readonly number[] })[]
  readonly runs: readonly PaperRecord[]
  readonly missing: readonly MissingModel[]
  readonly effects: { readonly untuned: readonly FactorEffect[]; readonly tuned: readonly FactorEffect[] }
  /** The three tests of alignment, and remedies. */
  readonly causes: Causes
  /** The main effects and the tests in words. */
  readonly sentences: readonly string[]
}

const RESAMPLES = 2000
/** Of the analysis pairs, which all runs share, and of the intervals. */
export const SEED = 7

/** Computes effects, tests and sentences of the runs that there are. */
export function resultsOf(
  runs: readonly PaperRecord[],
  missing: readonly MissingModel[],
  world: StudyWorld,
  { arms }: PaperPlan,
  command: string,
): PaperResults {
  const tasks = world.tasks.map(
    ({ name, metaTask, domain, test }): FactorTask => ({
      name,
      metaTask,
      domain,
      clusters: test.map(({ cluster }) => cluster),
    }),
  )
  const whole = runs.filter(({ share, condition }) => share === 1 && condition === 'plain')
  const factorRuns = (state: 'untuned' | 'tuned') =>
    whole.flatMap((run): FactorRun[] => {
      const cell = arms.find(({ name }) => name === run.arm)?.cell
      if (cell === undefined) return []
      const { pretraining, mask } = run
      // Untuned, a model is the same whatever seed its tuning has: one run stands for all.
      if (state === 'untuned' && firstOf(whole, run) !== run) return []
      const hits = tasks.map(({ name }) => valuesOf(run[state].hits[name]!))
      const tuning = state === 'tuned' ? { tuning: run.tuning } : {}
      return [{ cell: { ...cell, mask }, pretraining, ...tuning, hits }]
    })
  const options = { seed: SEED, resamples: RESAMPLES }
  const effects = {
    untuned: factorTable(factorRuns('untuned'), tasks, options),
    tuned: factorTable(factorRuns('tuned'), tasks, options),
  }
  const named = [...new Set([...arms.map(({ name }) => name), ...runs.map(({ arm }) => arm)])]
  const causes = causesOf(runs, named, tasks, options)
  const main = ({ scope }: FactorEffect) => scope.metaTask === 'all' && scope.domain === 'all'
  return {
    schemaVersion: 1,
    command,
    tasks: tasks.map((task) => ({ ...task, clusters: numbered(task.clusters) })),
    runs,
    missing,
    effects,
    causes,
    sentences: [
      ...(['tuned', 'untuned'] as const).flatMap((state) =>
        effects[state].filter(main).map((effect) => effectWords(effect, state)),
      ),
      ...causeSentences(causes),
    ],
  }
}

function firstOf(runs: readonly PaperRecord[], { arm, pretraining, mask }: PaperRecord) {
  return runs.find((run) => run.arm === arm && run.pretraining === pretraining && run.mask === mask)
}

/** Clusters as numbers, in the order of first appearance. */
function numbered(names: readonly string[]): number[] {
  const numbers = new Map<string, number>()
  return names.map((name) => {
    const number = numbers.get(name) ?? numbers.size
    numbers.set(name, number)
    return number
  })
}
