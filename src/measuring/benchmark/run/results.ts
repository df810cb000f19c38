/** @file From scores of rows to `results.json`: figures with intervals, and means over tasks. */

import { bootstrapMean, type Interval, meanOfTasks } from '../../../foundation/numeric/bootstrap.ts'
import { mean } from '../../../foundation/numeric/statistics.ts'
import type { MetaTask, Task } from '../../../inputs/data/task.ts'
import { metricLabels, perMetric } from '../metrics.ts'
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
    bootstrapMean(
      rows.map((row) => row.metrics[metric] ?? row.hit1),
      rows.map(({ cluster }) => cluster),
      { seed },
    )
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
    problems: [...problems],
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

/** A mean, and the tasks that it is taken over. */
interface Average {
  readonly name: string
  readonly label: string
  has(task: RunTask): boolean
}

/** Published averages that tasks belong to; then the kinds of tasks, the domain, and all tasks. */
function averages(tasks: readonly RunTask[]): Average[] {
  const published = [...new Set(tasks.flatMap((task) => task.averages))]
  return [
    ...published.map((name) => ({ name, label: name, has: (task: RunTask) => task.averages.includes(name) })),
    ...Object.entries(META_LABELS).map(([name, label]) => ({
      name,
      label,
      has: ({ metaTask }: RunTask) => metaTask === name,
    })),
    { name: 'in-domain', label: 'in-domain tasks', has: ({ domain }) => domain === 'in' },
    { name: 'out-of-domain', label: 'out-of-domain tasks', has: ({ domain }) => domain === 'out' },
    { name: 'all', label: 'all tasks', has: () => true },
  ]
}

function meansOver(
  model: string,
  tasks: readonly RunTask[],
  scores: readonly TaskScoresFile[],
  seed: number,
): RunResults['means'] {
  const own = new Map(scores.filter((one) => one.model === model).map((one) => [one.task, one]))
  return averages(tasks).flatMap(({ name, label, has }) => {
    const wanted = tasks.filter(has)
    const found = wanted.flatMap((task) => own.get(task.name) ?? [])
    if (found.length === 0 || found.length < wanted.length) return []
    const over = (metric: (task: RunTask) => string) =>
      meanOfTasks(
        found.map(({ rows }, i) => ({
          values: rows.map((row) => row.metrics[metric(wanted[i]!)] ?? row.hit1),
          clusters: rows.map(({ cluster }) => cluster),
        })),
        { seed },
      )
    const hit1 = over(() => 'hit1')
    const same = wanted.every(({ metric }) => metric === 'hit1')
    const means = found.map(meansOf)
    return [
      {
        model,
        name,
        label,
        tasks: wanted.map((task) => task.name),
        hit1,
        headline: same ? hit1 : over(({ metric }) => metric),
        metrics: { ...perMetric((_, metric) => mean(means.map((one) => one[metric]!))) },
      },
    ]
  })
}
