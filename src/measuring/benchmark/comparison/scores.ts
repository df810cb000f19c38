/**
 * @file Compares two models on the same queries: paired differences with intervals, exact tests,
 * and the difference that so many queries can show.
 */

import {
  type BootstrapOptions,
  type Interval,
  type PairedRows,
  pairedMeanOfTasks,
  standardError,
} from '../../../foundation/numeric/bootstrap.ts'
import { normalQuantile } from '../../../foundation/numeric/quantiles.ts'
import { holm, type SignTest, signTest } from '../../../foundation/numeric/significance.ts'
import { mean } from '../../../foundation/numeric/statistics.ts'
import { BenchmarkError } from '../errors.ts'
import type { ModelScores, TaskScores } from '../evaluate.ts'

export interface CompareOptions extends Omit<BootstrapOptions, 'expanded'> {
  /** Of the detectable difference: how often it would be seen. Default 0.8. */
  power?: number
}

/** A difference of hit@1, `a` − `b`, in [−1, 1]. */
interface Difference {
  /** With its interval; queries of one cluster are drawn together. */
  readonly difference: Interval
  /**
   * The least true difference that an interval of this width would exclude 0 for with the given
   * power: a smaller one is likely to be missed with so many queries (Bloom 1995). It takes the
   * spread as it was found; models that are further apart spread more, so that of small tasks it is
   * found a little less often (docs/statistics.md). 0 where no query tells the models apart; NaN
   * for a single cluster.
   */
  readonly detectable: number
}

interface TaskComparison extends Difference {
  readonly task: string
  readonly queries: number
  /** Mean hit@1 of each. */
  readonly a: number
  readonly b: number
  /** McNemar's exact test; it takes queries for independent, whatever their clusters. */
  readonly mcnemar: SignTest
  /** Its p-value, adjusted for the number of tasks (Holm 1979). */
  readonly adjusted: number
}

export interface Comparison {
  readonly tasks: readonly TaskComparison[]
  /** Of the plain mean over tasks. */
  readonly mean: Difference
}

/** Queries that one model finds and the other does not, by id. */
export interface Flips {
  readonly task: string
  /** `a` is nearer to a hit. */
  readonly onlyA: readonly string[]
  readonly onlyB: readonly string[]
}

/**
 * Compares hit@1.
 * @throws BenchmarkError `benchmark/other-rows` where both were not scored on the same rows
 * @example const { mean } = compareScores(await scoresOf('a', …), await scoresOf('b', …), options)
 */
export function compareScores(a: ModelScores, b: ModelScores, options: CompareOptions): Comparison {
  const { power = 0.8, ...bootstrap } = options
  const pairs = pairedTasks(a, b).map(({ task, first, second }) => ({
    task,
    rows: pairedRows(first, second),
  }))
  const tests = pairs.map(({ rows }) => signTest(rows.a, rows.b))
  const adjusted = holm(tests.map(({ p }) => p))
  const difference = (tasks: readonly PairedRows[]): Difference => ({
    difference: pairedMeanOfTasks(tasks, { ...bootstrap, expanded: true }),
    detectable: detectable(tasks, bootstrap.confidence ?? 0.95, power),
  })
  return {
    tasks: pairs.map(({ task, rows }, i) => ({
      task,
      queries: rows.a.length,
      a: mean(rows.a),
      b: mean(rows.b),
      ...difference([rows]),
      mcnemar: tests[i]!,
      adjusted: adjusted[i]!,
    })),
    mean: difference(pairs.map(({ rows }) => rows)),
  }
}

/** The queries on which the models part. @throws as `compareScores` */
export function flips(a: ModelScores, b: ModelScores): Flips[] {
  return pairedTasks(a, b).map(({ task, first, second }) => {
    const where = (sign: number) =>
      first.rows.flatMap(({ id, hit1 }, i) => (Math.sign(hit1 - second.rows[i]!.hit1) === sign ? [id] : []))
    return { task, onlyA: where(1), onlyB: where(-1) }
  })
}

function detectable(tasks: readonly PairedRows[], confidence: number, power: number): number {
  const differences = tasks.map(({ a, b, clusters }) => ({
    values: Float64Array.from(a, (value, i) => value - b[i]!),
    clusters,
  }))
  return (normalQuantile((1 + confidence) / 2) + normalQuantile(power)) * standardError(differences)
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
          : `${a.model} and ${b.model} were not scored on the same rows: ${first.task} has ${first.rows.length} and ${second.rows.length}, of ${a.tasks.length} and ${b.tasks.length} tasks`,
      hint: 'Score both on the same tasks with the same limit, and compare those.',
    })
  })
}

function pairedRows(first: TaskScores, second: TaskScores): PairedRows & { a: number[]; b: number[] } {
  return {
    a: first.rows.map(({ hit1 }) => hit1),
    b: second.rows.map(({ hit1 }) => hit1),
    clusters: first.rows.map(({ cluster }) => cluster),
  }
}
