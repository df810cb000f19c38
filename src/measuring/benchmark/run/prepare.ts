/** @file Everything of a run that is known before its first item is embedded. */

import { checkOptions } from '../../../foundation/files/options.ts'
import { packageVersion } from '../../../foundation/files/version.ts'
import { UsageError } from '../../../foundation/numeric/errors.ts'
import { distinctItems, drawn, plainItems, rowsWithin } from './budget.ts'
import { earlierSetting } from './claim.ts'
import { baselineContestants, type Contestant, modelContestants } from './contestant.ts'
import { folderOf } from './embedding.ts'
import { RUN_VERSION, type RunSetting, runFiles } from './files.ts'
import { checkLimits } from './limits.ts'
import { checkProblems, closeTasks, type OpenedTask, openTasks, rowsLeft } from './opening.ts'
import {
  DEFAULT_MOST_PROBLEMS,
  DEFAULT_SEED,
  type EvaluateOptions,
  evaluateOptionSchemas,
} from './options.ts'
import { type ModelPlan, modelPlan } from './plan.ts'
import { hashOf } from './rows.ts'
import { vectorContestants } from './vectors.ts'

/** Everything that is known before the first item is embedded. */
export interface Prepared {
  readonly contestants: readonly Contestant[]
  readonly opened: readonly OpenedTask[]
  readonly setting: RunSetting
}

/** @throws as `evaluate` */
export async function prepare(options: EvaluateOptions): Promise<Prepared> {
  const { signal, warn, limit, budget, seed = DEFAULT_SEED, stray = 'drop', strict } = options
  const version = await packageVersion()
  const models = await modelContestants(options.models ?? [], { ...options.load, signal, warn })
  const beside = baselineContestants(options.baselines ?? [], models, seed)
  const given = [...models, ...beside, ...(options.contestants ?? [])]
  const opened = await openTasks(given, options)
  try {
    checkLimits(options.limits ?? [], opened)
    const whole = opened.flatMap(({ open }) => open.problems)
    if (!strict) checkProblems(whole, options.maxProblems ?? DEFAULT_MOST_PROBLEMS)
    const taken = given.map(({ model }) => model.id)
    const elsewhere = await vectorContestants(options.vectors ?? [], plainItems(opened), taken)
    const contestants = [...given, ...elsewhere]
    warnOfEqual(contestants, warn)
    const setting: RunSetting = {
      schemaVersion: RUN_VERSION,
      bifocal: version,
      command: options.command ?? '',
      seed,
      models: contestants.map(({ model: { id, label, fingerprint } }) => ({ id, label, fingerprint })),
      tasks: opened.map((task) => ({ name: task.name, hash: hashOf(task) })),
      limit: limit ?? null,
      stray,
      budget: budget === undefined ? null : { seconds: budget, rows: {} },
    }
    const earlier = await earlierSetting(options.out, setting)
    if (budget === undefined) return { contestants, opened, setting }
    const rows = earlier?.budget?.rows ?? (await drawnRows(budget, opened, contestants, options))
    return {
      contestants,
      opened: drawn(opened, rows, seed),
      setting: { ...setting, budget: { seconds: budget, rows: { ...rows } } },
    }
  } catch (error) {
    await closeTasks(opened)
    throw error
  }
}

/** A run that was foretold. */
export interface EvaluationPlan {
  readonly models: readonly ModelPlan[]
  readonly tasks: readonly {
    readonly name: string
    readonly suite: string
    /** Rows that would be scored, of the usable ones, of those in the file. */
    readonly rows: number
    readonly usable: number
    readonly total: number | null
    /** Different items of the task. */
    readonly items: number
  }[]
  /** Rows that cannot be used. */
  readonly left: number
  /** Of embedding the items that have no vectors yet; null where it cannot be foretold. */
  readonly seconds: number | null
}

/**
 * Foretells a run: opens models and tasks, counts items, and measures the machine for a second for
 * each model. Nothing is written.
 * @throws as `evaluate`
 */
export async function planEvaluation(options: EvaluateOptions): Promise<EvaluationPlan> {
  checkEvaluate(options)
  const { opened, contestants } = await prepare(options)
  try {
    const store = options.store ?? `${options.out}/${runFiles.vectors}`
    const models: ModelPlan[] = []
    for (const contestant of contestants) {
      const folder = await folderOf(contestant, { store, warn: options.warn })
      models.push(await modelPlan(contestant, distinctItems(opened, contestant), folder))
    }
    const seconds = models.map((model) => model.seconds)
    return {
      models,
      tasks: opened.map((task) => ({
        name: task.name,
        suite: task.suite,
        rows: task.open.task.test.length,
        usable: task.sample?.usable ?? task.open.task.test.length,
        total: task.open.total ?? null,
        items: plainItems([task]).length,
      })),
      left: rowsLeft(opened.flatMap(({ open }) => open.problems)),
      seconds: seconds.reduce((sum, one) => (sum === null || one === null ? null : sum + one), 0),
    }
  } finally {
    await closeTasks(opened)
  }
}

async function drawnRows(
  seconds: number,
  opened: readonly OpenedTask[],
  contestants: readonly Contestant[],
  { seed = DEFAULT_SEED, warn }: EvaluateOptions,
): Promise<Readonly<Record<string, number>>> {
  const found = await rowsWithin(seconds, opened, contestants, seed)
  if (found.seconds > seconds)
    warn?.(
      `ten rows of each task take about ${Math.ceil(found.seconds)} s, more than the budget of ${seconds} s`,
    )
  return found.rows
}

/** @throws UsageError `usage/option`, `usage/arguments` */
export function checkEvaluate(options: EvaluateOptions): void {
  checkOptions('evaluate', evaluateOptionSchemas, options, ['out', 'tasks'])
  const { models = [], vectors = [], contestants = [], shard, budget } = options
  if (models.length + vectors.length + contestants.length === 0) {
    throw new UsageError('arguments', {
      message: 'a run of no models',
      hint: 'Name models, or vectors that were made elsewhere: --vectors FILE.',
    })
  }
  if (shard !== undefined && budget !== undefined) {
    throw new UsageError('arguments', {
      message: 'a budget for a shard: each machine would draw rows of its own',
      hint: 'Take so many rows of each task instead: --limit N.',
    })
  }
}

/** Two models of one fingerprint have the same vectors. */
function warnOfEqual(contestants: readonly Contestant[], warn: EvaluateOptions['warn']): void {
  const known = new Map<string, string>()
  for (const { model, seen } of contestants) {
    if (seen !== undefined || model.fingerprint === null) continue
    const same = known.get(model.fingerprint)
    if (same !== undefined) warn?.(`${model.id} is the same model as ${same}: nothing can tell the two apart`)
    known.set(model.fingerprint, model.id)
  }
}
