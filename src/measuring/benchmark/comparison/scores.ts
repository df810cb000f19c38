/**
 * @file Compares two models on the same queries: paired differences with intervals, exact tests,
 * and the difference that so many queries can show. Also two models on different queries.
 */

import { type Interval, standardError } from '../../../foundation/numeric/bootstrap.ts'
import {
  type BoundedOptions,
  boundedMeanOfTasks,
  type PairedRows,
  pairedDifference,
} from '../../../foundation/numeric/bounded.ts'
import { normalQuantile } from '../../../foundation/numeric/quantiles.ts'
import { holm, type SignTest, signFlipTest, signTest } from '../../../foundation/numeric/significance.ts'
import { mean } from '../../../foundation/numeric/statistics.ts'
import { BenchmarkError } from '../errors.ts'
import type { ModelScores, RowScores, TaskScores } from '../evaluate.ts'

export interface CompareOptions extends BoundedOptions {
  /** Name of the metric, of the table of metrics. Default `hit1`. */
  metric?: string
  /** Of the detectable difference: how often it would be seen. Default 0.8. */
  power?: number
}

/** A difference of the metric, `a` − `b`, in [−1, 1]. */
export interface Difference {
  /** With its interval; queries of one cluster are drawn together. */
  readonly difference: Interval
  /**
   * The least true difference that an interval of this width would exclude 0 for with the given
   * power: a smaller one is likely to be missed with so many queries (Bloom 1995). It takes the
   * spread as it was found; models that are further apart spread more, so that of small tasks it is
   * found a little less often (docs/statistics.md). NaN where nothing is known of the spread: all
   * queries differ alike, or there is a single cluster.
   */
  readonly detectable: number
}

interface TaskComparison extends Difference {
  readonly task: string
  readonly queries: number
  /** Groups of queries that are drawn together. */
  readonly clusters: number
  /** Mean of the metric for each. */
  readonly a: number
  readonly b: number
  /**
   * The exact sign test, which is McNemar's for hits; it takes queries for independent, whatever
   * their clusters.
   */
  readonly test: SignTest
  /** Its p-value, adjusted for the number of tasks of all couples (Holm 1979). */
  readonly adjusted: number
}

export interface Comparison {
  readonly tasks: readonly TaskComparison[]
  /** Of the plain mean over tasks. */
  readonly mean: Difference
}

/** Queries on which one model scores higher than the other, by id. */
export interface Flips {
  readonly task: string
  readonly onlyA: readonly string[]
  readonly onlyB: readonly string[]
}

/**
 * Compares two models.
 * @throws BenchmarkError `benchmark/other-rows` where both were not scored on the same rows
 * @example const { mean } = compareScores(await scoresOf('a', …), await scoresOf('b', …), options)
 */
export function compareScores(a: ModelScores, b: ModelScores, options: CompareOptions): Comparison {
  return compareCouples([[a, b]], options)[0]!
}

/**
 * Compares several couples of models, `a` − `b`: Holm's rule is over all tasks of all couples.
 * @throws as `compareScores`
 */
export function compareCouples(
  couples: readonly (readonly [a: ModelScores, b: ModelScores])[],
  options: CompareOptions,
): Comparison[] {
  const all = couples.map(([a, b]) => {
    const tasks = pairedTasks(a, b).map(({ task, first, second }) => ({
      task,
      rows: pairedRows(first, second, options.metric),
    }))
    const tests = tasks.map(({ rows }) => signTest(rows.a, rows.b))
    return { tasks, tests }
  })
  const adjusted = holm(all.flatMap(({ tests }) => tests.map(({ p }) => p)))
  let next = 0
  return all.map(({ tasks, tests }) => ({
    tasks: tasks.map(({ task, rows }, i) => ({
      task,
      queries: rows.a.length,
      clusters: new Set(rows.clusters).size,
      a: mean(rows.a),
      b: mean(rows.b),
      ...differenceOf([rows], options),
      test: tests[i]!,
      adjusted: adjusted[next++]!,
    })),
    mean: differenceOf(
      tasks.map(({ rows }) => rows),
      options,
    ),
  }))
}

/**
 * The difference of the plain mean over tasks, `a` − `b`, without that of each task.
 * @throws as `compareScores`
 */
export function meanDifference(a: ModelScores, b: ModelScores, options: CompareOptions): Difference {
  return differenceOf(
    pairedTasks(a, b).map(({ first, second }) => pairedRows(first, second, options.metric)),
    options,
  )
}

/**
 * The p-value of flipped signs of clusters for the plain mean over tasks: it asks no shape of the
 * differences.
 * @throws as `compareScores`
 */
export function meanTest(a: ModelScores, b: ModelScores, { metric, seed }: CompareOptions): number {
  const tasks = pairedTasks(a, b).map(({ first, second }) => pairedRows(first, second, metric))
  return signFlipTest(differencesOf(tasks), { seed })
}

function differenceOf(
  tasks: readonly PairedRows[],
  { power = 0.8, metric: _, ...bounded }: CompareOptions,
): Difference {
  return {
    difference: pairedDifference(tasks, bounded),
    detectable: detectable(standardError(differencesOf(tasks)), bounded.confidence, power),
  }
}

function differencesOf(tasks: readonly PairedRows[]) {
  return tasks.map(({ a, b, clusters }) => ({
    values: Float64Array.from(a, (value, i) => value - b[i]!),
    clusters,
  }))
}

/** The queries on which the models part. @throws as `compareScores` */
export function flips(a: ModelScores, b: ModelScores, metric?: string): Flips[] {
  return pairedTasks(a, b).map(({ task, first, second }) => {
    const where = (sign: number) =>
      first.rows.flatMap((row, i) =>
        Math.sign(metricOf(row, metric) - metricOf(second.rows[i]!, metric)) === sign ? [row.id] : [],
      )
    return { task, onlyA: where(1), onlyB: where(-1) }
  })
}

function detectable(error: number, confidence = 0.95, power: number): number {
  return error > 0 ? (normalQuantile((1 + confidence) / 2) + normalQuantile(power)) * error : Number.NaN
}

/** Tasks of both, in the order of `a`; rows in the same order. */
function pairedTasks(a: ModelScores, b: ModelScores) {
  return a.tasks.map((first) => {
    const second = b.tasks.find(({ task }) => task === first.task)
    const same =
      second !== undefined &&
      second.rows.length === first.rows.length &&
      second.rows.every(({ id }, i) => id === first.rows[i]!.id)
    if (same && a.tasks.length === b.tasks.length) return { task: first.task, first, second }
    throw new BenchmarkError('other-rows', {
      message:
        second === undefined
          ? `${b.model} was not scored on ${first.task}, ${a.model} was`
          : `${a.model} and ${b.model} were not scored on the same rows: ${first.task} has ` +
            `${first.rows.length} and ${second.rows.length}, of ${a.tasks.length} and ${b.tasks.length} tasks`,
      hint: 'Score both on the same tasks with the same limit, and compare those.',
    })
  })
}

function pairedRows(
  first: TaskScores,
  second: TaskScores,
  metric: string | undefined,
): PairedRows & { a: number[]; b: number[] } {
  return {
    a: first.rows.map((row) => metricOf(row, metric)),
    b: second.rows.map((row) => metricOf(row, metric)),
    clusters: first.rows.map(({ cluster }) => cluster),
  }
}

/** The score of a query. @throws BenchmarkError `benchmark/no-metric` */
export function metricOf({ id, hit1, metrics }: RowScores, metric = 'hit1'): number {
  const found = metric === 'hit1' ? hit1 : metrics[metric]
  if (found !== undefined) return found
  throw new BenchmarkError('no-metric', {
    message: `row ${id} has no ${metric}; it has ${Object.keys(metrics).join(', ')}`,
    hint: 'Take one of these, or score the models again with this version.',
  })
}

/**
 * Compares two models that were scored on different queries of the same tasks, drawn apart: the
 * interval has the spread of both samples. Where both have the same queries, `compareScores` sees
 * far smaller differences.
 * @throws BenchmarkError `benchmark/other-rows` where the tasks are not the same
 */
export function compareUnpaired(
  a: readonly TaskScores[],
  b: readonly TaskScores[],
  { power = 0.8, metric, ...options }: CompareOptions,
): Difference {
  if (a.map(({ task }) => task).join() !== b.map(({ task }) => task).join())
    throw new BenchmarkError('other-rows', {
      message: `two samples of different tasks: ${a.map(({ task }) => task)} and ${b.map(({ task }) => task)}`,
      hint: 'Score both on the same tasks.',
    })
  const side = (tasks: readonly TaskScores[], sign: 1 | -1) =>
    tasks.map(({ rows }) => ({
      values: rows.map((row) => sign * metricOf(row, metric)),
      clusters: rows.map(({ cluster }) => cluster),
      least: Math.min(0, sign),
      most: Math.max(0, sign),
    }))
  // The mean over the tasks of both is half the difference: those of `b` count negatively.
  const both = [...side(a, 1), ...side(b, -1)]
  const { value, low, high } = boundedMeanOfTasks(both, options)
  return {
    difference: { value: 2 * value, low: 2 * low, high: 2 * high },
    detectable: detectable(2 * standardError(both), options.confidence, power),
  }
}
