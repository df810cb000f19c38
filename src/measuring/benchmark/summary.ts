/**
 * @file From scores of rows to figures with intervals: tasks, means over scopes, paired
 * differences.
 */

import type { BootstrapOptions, Interval } from '../../foundation/numeric/bootstrap.ts'
import { meanOfShares, pairedDifference } from '../../foundation/numeric/bounded.ts'
import { mean } from '../../foundation/numeric/statistics.ts'
import { META_TASKS, type MetaTask, type Task } from '../../inputs/data/task.ts'
import type { ModelScores, TaskScores } from './evaluate.ts'
import { type PerMetric, perMetric } from './metrics.ts'

/** The tasks that a mean or a difference is taken over. */
export type Scope =
  | { kind: 'task'; task: string }
  | { kind: 'metaTask'; metaTask: MetaTask }
  | { kind: 'shift'; shift: string }
  | { kind: 'in-domain' }
  | { kind: 'all' }

type TaskSigns = Pick<Task, 'name' | 'metaTask' | 'domain' | 'shift'>

/**
 * Whether a task belongs to a scope. Meta-task means are over in-domain and out-of-domain tasks
 * alike.
 */
export function inScope(scope: Scope, { name, metaTask, domain, shift }: TaskSigns): boolean {
  switch (scope.kind) {
    case 'task':
      return scope.task === name
    case 'metaTask':
      return scope.metaTask === metaTask
    case 'shift':
      return scope.shift === shift
    case 'in-domain':
      return domain === 'in'
    case 'all':
      return true
  }
}

/**
 * The scopes wider than a task that have tasks, in the order of the report: shifts stand as the
 * tasks have them.
 */
export function scopesOf(tasks: readonly TaskSigns[]): Scope[] {
  const all: Scope[] = [
    ...META_TASKS.map((metaTask) => ({ kind: 'metaTask' as const, metaTask })),
    ...[...new Set(tasks.map(({ shift }) => shift))].map((shift) => ({ kind: 'shift' as const, shift })),
    { kind: 'in-domain' },
    { kind: 'all' },
  ]
  return all.filter((scope) => tasks.some((task) => inScope(scope, task)))
}

/** Figures of one model on one task. */
export interface TaskSummary {
  task: string
  hit1: Interval
  /** Means over the task's queries. */
  metrics: PerMetric
}

export function summariseTask({ task, rows }: TaskScores, options: BootstrapOptions): TaskSummary {
  return {
    task,
    hit1: meanOfShares([hitsOf(rows)], options),
    metrics: perMetric((_, name) => mean(rows.map(({ metrics }) => metrics[name]!))),
  }
}

function hitsOf(rows: TaskScores['rows']) {
  return { values: rows.map(({ hit1 }) => hit1), clusters: rows.map(({ cluster }) => cluster) }
}

/** How often the right candidate beats the hard one; undefined where no row has one. */
export function apartScore({ rows }: TaskScores, options: BootstrapOptions): Interval | undefined {
  const hard = rows.flatMap(({ apart, cluster }) => (apart === undefined ? [] : [{ apart, cluster }]))
  if (hard.length === 0) return undefined
  const scored = { values: hard.map(({ apart }) => apart), clusters: hard.map(({ cluster }) => cluster) }
  return meanOfShares([scored], options)
}

/**
 * Mean of the task means of hit@1; undefined where the model has not been scored on all tasks of
 * the scope.
 */
export function meanOver(
  scores: ModelScores,
  scope: Scope,
  tasks: readonly TaskSigns[],
  options: BootstrapOptions,
): Interval | undefined {
  const found = within(scores, scope, tasks)
  if (found === undefined) return undefined
  return meanOfShares(
    found.map(({ rows }) => hitsOf(rows)),
    options,
  )
}

/**
 * hit@1 of `a` − `b` over the same rows; undefined where one has not been scored on all tasks of
 * the scope.
 */
export function differenceOver(
  a: ModelScores,
  b: ModelScores,
  scope: Scope,
  tasks: readonly TaskSigns[],
  options: BootstrapOptions,
): Interval | undefined {
  const [first, second] = [within(a, scope, tasks), within(b, scope, tasks)]
  if (first === undefined || second === undefined) return undefined
  return pairedDifference(
    first.map(({ rows }, i) => ({
      a: rows.map(({ hit1 }) => hit1),
      b: second[i]!.rows.map(({ hit1 }) => hit1),
      clusters: rows.map(({ cluster }) => cluster),
    })),
    options,
  )
}

function within(scores: ModelScores, scope: Scope, tasks: readonly TaskSigns[]): TaskScores[] | undefined {
  const wanted = tasks.filter((task) => inScope(scope, task))
  const found = wanted.flatMap(({ name }) => scores.tasks.find(({ task }) => task === name) ?? [])
  return wanted.length > 0 && found.length === wanted.length ? found : undefined
}
