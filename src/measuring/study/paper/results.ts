/** @file `paper.json`: everything that the tables of the plan `paper` are made from. */

import { z } from 'zod'
import { META_TASKS } from '../../../inputs/data/task.ts'
import type { StudySetting } from '../options.ts'
import type { StudyWorld } from '../world.ts'
import { type Causes, causesOf } from './cause.ts'
import { causeSentences } from './cause-words.ts'
import { computeTable, type FactorEffect, type FactorRun, type FactorTask, factorTable } from './factors.ts'
import { designedArms, type PaperPlan } from './plan.ts'
import { type PaperRecord, recordSchema, valuesOf } from './record.ts'
import type { StageSettings } from './stage.ts'
import type { MissingModel } from './weights.ts'
import { effectWords } from './words.ts'

/** The form of `paper.json` that this code writes and reads. */
const PAPER_VERSION = 2

const taskSchema = z.strictObject({
  name: z.string(),
  metaTask: z.enum(META_TASKS),
  domain: z.enum(['in', 'out']),
  /** `[rows]`: equal numbers are drawn together. */
  clusters: z.array(z.int()),
})
export type PaperTask = z.infer<typeof taskSchema>

const runSchema = recordSchema.extend({
  /** Whether the run was taken from earlier results: its weights, `model`, were not there. */
  recorded: z.boolean(),
})
export type PaperRunResult = z.infer<typeof runSchema>

/** The parts of `paper.json` that all others are computed from. */
export const measuredSchema = z.object({
  schemaVersion: z.literal(PAPER_VERSION),
  command: z.string(),
  /** Decides the scores of a run beside its model, its seeds and the tasks. */
  settings: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])),
  tasks: z.array(taskSchema),
  runs: z.array(runSchema),
})
export type PaperMeasured = z.infer<typeof measuredSchema>
export type PaperSettings = PaperMeasured['settings']

/** Results of the plan: everything that its tables are made from. */
export interface PaperResults extends PaperMeasured {
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

/**
 * All settings of a run, by the way to them: `tuning.steps`. Devices and threads move last bits
 * alone.
 */
export function paperSettings(
  { tuning, limits, dev, pairs }: Pick<StudySetting, 'tuning' | 'limits' | 'dev' | 'pairs'>,
  stage: StageSettings,
  version: string,
): PaperSettings {
  const found: PaperSettings = {}
  const add = (path: string, value: unknown) => {
    if (typeof value === 'object' && value !== null)
      for (const [key, own] of Object.entries(value)) add(path === '' ? key : `${path}.${key}`, own)
    else if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean')
      found[path] = value
    else if (value === null) found[path] = null
  }
  add('', { version, tuning, limits, dev, pairs, stage })
  return found
}

export function paperTasks({ tasks }: Pick<StudyWorld, 'tasks'>): PaperTask[] {
  return tasks.map(({ name, metaTask, domain, test }) => ({
    name,
    metaTask,
    domain,
    clusters: numbered(test.map(({ cluster }) => cluster)),
  }))
}

/** Computes effects, tests and sentences of the runs that there are. */
export function resultsOf(
  measured: Omit<PaperMeasured, 'schemaVersion'>,
  missing: readonly MissingModel[],
  plan: PaperPlan,
): PaperResults {
  const { runs } = measured
  const { arms } = plan
  const designed = designedArms(plan)
  const tasks = measured.tasks.map(
    (task): FactorTask => ({ ...task, clusters: task.clusters.map((cluster) => String(cluster)) }),
  )
  const whole = runs.filter(({ share, condition }) => share === 1 && condition === 'plain')
  const factorRuns = (state: 'untuned' | 'tuned') =>
    whole.flatMap((run): FactorRun[] => {
      const arm = designed.find(({ name }) => name === run.arm)
      if (arm?.cell === undefined) return []
      const { pretraining, mask } = run
      // Untuned, a model is the same whatever seed its tuning has: one run stands for all.
      if (state === 'untuned' && firstOf(whole, run) !== run) return []
      const hits = tasks.map(({ name }) => valuesOf(run[state].hits[name]!))
      const tuning = state === 'tuned' ? { tuning: run.tuning } : {}
      const compute = arm.equalCompute === undefined ? {} : { equalCompute: arm.equalCompute }
      return [{ cell: { ...arm.cell, mask }, ...compute, pretraining, ...tuning, hits }]
    })
  const options = { seed: SEED, resamples: RESAMPLES }
  const effectsOf = (state: 'untuned' | 'tuned') => {
    const own = factorRuns(state)
    return [...factorTable(own, tasks, options), ...computeTable(own, tasks, options)]
  }
  const effects = { untuned: effectsOf('untuned'), tuned: effectsOf('tuned') }
  const named = [...new Set([...arms.map(({ name }) => name), ...runs.map(({ arm }) => arm)])]
  const causes = causesOf(runs, named, tasks, options)
  const main = ({ scope }: FactorEffect) => scope.metaTask === 'all' && scope.domain === 'all'
  return {
    schemaVersion: PAPER_VERSION,
    ...measured,
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
