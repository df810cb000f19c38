/**
 * @file Intervals of means of bounded scores, and of paired differences of them, that claim no more
 * than the rows can show: rows that are all alike give resamples nothing to vary, and a few rows
 * that differ in one direction give them too little.
 */

import { type BootstrapOptions, type Interval, meanOfTasks, type ScoredRows } from './bootstrap.ts'
import { mean, requireSameLength } from './statistics.ts'

/** The rows of one task, and the range of a value, whether or not a row reaches its ends. */
export interface BoundedRows extends ScoredRows {
  readonly least: number
  readonly most: number
}

/** The rows of one task as scored by two models, in the same order; scores in [0, 1]. */
export interface PairedRows {
  readonly a: ArrayLike<number>
  readonly b: ArrayLike<number>
  readonly clusters: readonly string[]
}

export type BoundedOptions = Omit<BootstrapOptions, 'expanded'>

/**
 * Interval of the plain mean over tasks of each task's mean: that of the expanded bootstrap, and of
 * every task whose values are all equal the exact one. Of such a task's clusters a share of
 * 1 − (α / 2)^(1 / clusters) may differ although none was seen to (Clopper & Pearson 1934), and
 * their values lie anywhere in the range. Independent parts are combined by their squares, each
 * side by itself (Zou & Donner 2008).
 * @throws StatisticsError `statistics/empty`, `statistics/length`, `statistics/not-finite`
 */
export function boundedMeanOfTasks(tasks: readonly BoundedRows[], options: BoundedOptions): Interval {
  const { value, low, high } = meanOfTasks(tasks, { ...options, expanded: true })
  let [below, above] = [(value - low) ** 2, (high - value) ** 2]
  for (const { values, clusters, least, most } of tasks) {
    const own = values[0]!
    if (Array.from(values).some((one) => one !== own)) continue
    const share = unseen(new Set(clusters).size, options) / tasks.length
    below += (share * (own - least)) ** 2
    above += (share * (most - own)) ** 2
  }
  return within({ value, low: value - Math.sqrt(below), high: value + Math.sqrt(above) }, tasks)
}

/**
 * Interval of the mean over tasks of mean(a) − mean(b), rows and draws paired: `a` and `b` in the
 * other order give the same numbers with the other sign. Where all clusters that differ do so in
 * one direction, a share of 1 − (α / 2)^(1 / their number) of such clusters may go the other way,
 * so that fewer than six tell no model the better one, as in the exact sign test.
 * @throws StatisticsError `statistics/empty`, `statistics/length`, `statistics/not-finite`
 */
export function pairedDifference(tasks: readonly PairedRows[], options: BoundedOptions): Interval {
  const rows = tasks.map(({ a, b, clusters }): BoundedRows => {
    requireSameLength(a, b, 'paired rows')
    const values = Float64Array.from(a, (value, i) => value - b[i]!)
    return { values, clusters, least: -1, most: 1 }
  })
  const { value, low, high } = boundedMeanOfTasks(rows, options)
  const directions = rows.flatMap(directionsOf)
  if (directions.length === 0 || directions.some((one) => one !== directions[0])) return { value, low, high }
  const end = value * (1 - 2 * unseen(directions.length, options))
  return { value, low: Math.min(low, end), high: Math.max(high, end) }
}

/**
 * Interval of the plain mean over tasks of each task's mean of scores in [0, 1]. Where no query was
 * found, or each was, it has a width: 0 of 40 gives 0 to 8.8 %.
 * @throws as `boundedMeanOfTasks`
 */
export function meanOfShares(tasks: readonly ScoredRows[], options: BoundedOptions): Interval {
  return boundedMeanOfTasks(
    tasks.map(({ values, clusters }) => ({ values, clusters, least: 0, most: 1 })),
    options,
  )
}

/** Signs of the clusters' sums that are not 0, of clusters whose rows all have one direction. */
function directionsOf({ values, clusters }: ScoredRows): number[] {
  const signs = new Map<string, number>()
  for (const [i, cluster] of clusters.entries()) {
    const sign = Math.sign(values[i]!)
    if (sign === 0) continue
    const known = signs.get(cluster)
    signs.set(cluster, known === undefined || known === sign ? sign : Number.NaN)
  }
  return [...signs.values()]
}

/** The largest share that no cluster need show of so many. */
function unseen(clusters: number, { confidence = 0.95 }: BoundedOptions): number {
  return 1 - ((1 - confidence) / 2) ** (1 / clusters)
}

function within({ value, low, high }: Interval, tasks: readonly BoundedRows[]): Interval {
  const least = mean(tasks.map((task) => task.least))
  const most = mean(tasks.map((task) => task.most))
  return { value, low: Math.max(least, low), high: Math.min(most, high) }
}
