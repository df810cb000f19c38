/** @file From scores of rows to `results.json`: figures with intervals, and means over tasks. */

import type { Interval, ScoredRows } from '../../../foundation/numeric/bootstrap.ts'
import { meanOfShares } from '../../../foundation/numeric/bounded.ts'
import { mean } from '../../../foundation/numeric/statistics.ts'
import type { MetaTask, Task } from '../../../inputs/data/task.ts'
import { AVERAGES, datasetsOf, macroAverages } from '../averages.ts'
import { metricLabels, perMetric } from '../metrics.ts'
import { publishedAverages } from '../suites/published.ts'
import { majorityOf } from '../task.ts'
import { taskScoreLabels } from '../task-scores.ts'
import {
  RUN_VERSION,
  type RunModel,
  type RunProblem,
  type RunResults,
  type RunTask,
  type TaskScoresFile,
} from './files.ts'
import type { OpenedTask } from './opening.ts'
import { rowsLeft } from './opening.ts'
import { rowsHash, rowsOf } from './rows.ts'

export interface Measured {
  readonly command: string
  readonly seed: number
  readonly models: readonly RunModel[]
  readonly tasks: readonly OpenedTask[]
  readonly problems: readonly RunProblem[]
  readonly scores: readonly TaskScoresFile[]
}

export function resultsOf({ command, seed, models, tasks, problems, scores }: Measured): RunResults {
  const runTasks = tasks.map((task) => runTask(task, problems))
  const metricOf = new Map(runTasks.map(({ name, metric }) => [name, metric]))
  const figure = ({ rows }: TaskScoresFile, metric: string): Interval =>
    meanOfShares([sharesOf(rows, metric)], { seed })
  return {
    schemaVersion: RUN_VERSION,
    command,
    seed,
    models: [...models],
    tasks: runTasks,
    metrics: metricLabels(),
    scores: scores.map((one) => {
      const hit1 = figure(one, 'hit1')
      const metric = metricOf.get(one.task) ?? 'hit1'
      return {
        model: one.model,
        task: one.task,
        hit1,
        headline: metric === 'hit1' ? hit1 : figure(one, metric),
        metrics: meansOf(one),
      }
    }),
    furtherScores: taskScoreLabels().filter(({ name }) =>
      scores.some(({ further }) => further.some(({ score }) => score === name)),
    ),
    further: scores.flatMap(({ model, task, further }) =>
      further.map(({ score, interval }) => ({ model, task, score, interval })),
    ),
    means: models.flatMap(({ id }) => meansOver(id, runTasks, scores, seed)),
    published: tasks.flatMap(({ name, open }) =>
      (open.published ?? []).flatMap((one) =>
        models.flatMap(({ id }) => (isModel(one.model, id) ? [{ ...one, model: id, task: name }] : [])),
      ),
    ),
    publishedMeans: publishedMeansOf(models, runTasks),
    problems: [...problems],
  }
}

/** Scores of the queries, and the clusters that are drawn together. */
function sharesOf(rows: TaskScoresFile['rows'], metric: string): ScoredRows {
  return {
    values: rows.map(({ metrics, hit1 }) => metrics[metric] ?? hit1),
    clusters: rows.map(({ cluster }) => cluster),
  }
}

function runTask({ name, suite, open, sample }: OpenedTask, problems: readonly RunProblem[]): RunTask {
  const { task, averages, metric = 'hit1', total } = open
  const sizes = task.test.map(({ candidates }) => candidates.length)
  const { metaTask, domain, shift, reason, chance } = task
  return {
    name,
    suite,
    metaTask,
    domain,
    shift,
    reason,
    chance,
    majority: majorityOf(task),
    queries: task.test.length,
    candidates: { least: Math.min(...sizes), most: Math.max(...sizes) },
    averages: [...averages],
    metric,
    hash: rowsHash(rowsOf(renamed(task, name))),
    total: total ?? null,
    left: rowsLeft(problems.filter(({ dataset, row }) => dataset === task.name && row !== null)),
    ...(sample && { sample }),
  }
}

/** Whether a name on the hub is that of a model of the run. */
function isModel(published: string, id: string): boolean {
  return published.split('/').at(-1)?.toLowerCase() === id.toLowerCase()
}

function renamed(task: Task, name: string): Task {
  return task.name === name ? task : { ...task, name }
}

function meansOf({ rows }: TaskScoresFile): Record<string, number> {
  return { ...perMetric((_, name) => mean(rows.map(({ metrics }) => metrics[name]!))) }
}

const META_LABELS: Readonly<Record<MetaTask, string>> = {
  classification: 'classification',
  vqa: 'visual questions',
  retrieval: 'retrieval',
  grounding: 'grounding',
}

/** Kinds of tasks, domains, and all tasks, in the order of the table. */
const GROUPS: ReadonlyMap<string, string> = new Map([
  ...Object.entries(META_LABELS),
  ['in-domain', 'in-domain tasks'],
  ['out-of-domain', 'out-of-domain tasks'],
  ['all', 'all tasks'],
])

/** The groups that a task belongs to. */
export function groupsOf({ metaTask, domain }: Pick<RunTask, 'metaTask' | 'domain'>): string[] {
  return [metaTask, domain === 'in' ? 'in-domain' : 'out-of-domain', 'all']
}

/** Published averages, then groups of tasks; those whose tasks the model was all scored on. */
function meansOver(
  model: string,
  tasks: readonly RunTask[],
  scores: readonly TaskScoresFile[],
  seed: number,
): RunResults['means'] {
  const own = new Map(scores.filter((one) => one.model === model).map((one) => [one.task, one]))
  const over = (labelOf: (name: string) => string, known: readonly string[], groups: Groups) => {
    const found = tasks.flatMap((task) => {
      const file = own.get(task.name)
      return file === undefined ? [] : [{ name: task.name, averages: groups(task), scores: meansOf(file) }]
    })
    return macroAverages(found, known).flatMap(({ name, tasks: names, scores: metrics }) => {
      const wanted = tasks.filter((task) => groups(task).includes(name))
      if (wanted.length > names.length) return []
      const interval = (metric: (task: RunTask) => string) =>
        meanOfShares(
          wanted.map((task) => sharesOf(own.get(task.name)!.rows, metric(task))),
          { seed },
        )
      const hit1 = interval(() => 'hit1')
      const same = wanted.every(({ metric }) => metric === 'hit1')
      const headline = same ? hit1 : interval(({ metric }) => metric)
      return [
        { model, name, label: labelOf(name), tasks: [...names], hit1, headline, metrics: { ...metrics } },
      ]
    })
  }
  return [
    ...over(
      (name) => name,
      AVERAGES,
      ({ averages }) => averages,
    ),
    ...over((name) => GROUPS.get(name) ?? name, [...GROUPS.keys()], groupsOf),
  ]
}

type Groups = (task: RunTask) => readonly string[]

/** Averages that were published for models of the run, where all their datasets were measured. */
export function publishedMeansOf(
  models: readonly Pick<RunModel, 'id'>[],
  tasks: readonly Pick<RunTask, 'name' | 'suite' | 'averages'>[],
): RunResults['publishedMeans'] {
  return AVERAGES.flatMap((mean) => {
    const measured = tasks.filter(({ averages }) => averages.includes(mean))
    const wanted = new Set(datasetsOf(mean))
    const whole =
      measured.length === wanted.size &&
      measured.every(({ name, suite }) => suite === 'mmeb' && wanted.has(name))
    if (!whole) return []
    return publishedAverages(mean).flatMap(({ model, metric, score, source }) =>
      models.flatMap(({ id }) =>
        model !== null && isModel(model, id) ? [{ model: id, mean, metric, score, source }] : [],
      ),
    )
  })
}
