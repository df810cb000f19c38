/**
 * @file 95 % bootstrap intervals by resampling clusters: rows that share a cluster (a concept, a
 * picture) are drawn together, because their errors are not independent (specs/embedded-data.md §5;
 * Davison & Hinkley 1997, §3.8). Seeded: same inputs, same interval.
 */

import { normalQuantile, studentQuantile } from './quantiles.ts'
import { type Random, stream } from './random.ts'
import { mean, quantile, requireFinite, requireSameLength } from './statistics.ts'

/** A figure with its interval, in the unit of the figure. */
export interface Interval {
  value: number
  low: number
  high: number
}

export interface BootstrapOptions {
  seed: number
  /** Number of resamples; default 2,000. */
  resamples?: number
  /** Share of resamples inside the interval; default 0.95. */
  confidence?: number
  /**
   * Of means only: whether the interval is made wider where there are few clusters, because
   * resamples vary less than samples (Hesterberg 2015, "What teachers should know about the
   * bootstrap"). Default false.
   */
  expanded?: boolean
}

/** The rows of one task: a value and a cluster for each. */
export interface ScoredRows {
  values: ArrayLike<number>
  clusters: readonly string[]
}

/**
 * Percentile interval of the mean over rows. A resample draws as many clusters as there are, with
 * replacement.
 */
export function bootstrapMean(
  values: ArrayLike<number>,
  clusters: readonly string[],
  options: BootstrapOptions,
): Interval {
  return meanOfTasks([{ values, clusters }], options)
}

/**
 * Percentile interval of the plain mean over tasks of each task's mean (as MMEB averages); each
 * task is resampled within itself.
 */
export function meanOfTasks(tasks: readonly ScoredRows[], options: BootstrapOptions): Interval {
  requireFinite(
    tasks.map((task) => task.values.length),
    'tasks',
  )
  const { resamples = 2000, confidence = 0.95, expanded = false } = options
  const totals = new Float64Array(resamples)
  const all = tasks.map((task, index) => {
    requireFinite(task.values, `task ${index}`)
    return clusterSums(task)
  })
  for (const [index, sums] of all.entries()) {
    const random = stream(options.seed, 'bootstrap', index)
    for (let r = 0; r < resamples; r++) totals[r] = totals[r]! + resampledMean(sums, random)
  }
  const value = mean(tasks.map((task) => mean(task.values)))
  const interval = percentileInterval(
    value,
    totals.map((total) => total / tasks.length),
    options,
  )
  if (!expanded) return interval
  const factor = expansion(all, confidence)
  const { low, high } = interval
  return { value, low: value - factor * (value - low), high: value + factor * (high - value) }
}

/**
 * The standard error of the mean of task means, without resampling: that of a ratio of sums over
 * clusters (Cochran 1977, §6). NaN for a task of one cluster.
 * @throws StatisticsError `statistics/empty`, `statistics/length`
 */
export function standardError(tasks: readonly ScoredRows[]): number {
  requireFinite(
    tasks.map((task) => task.values.length),
    'tasks',
  )
  const variances = tasks.map((task) => varianceOf(clusterSums(task)))
  return Math.sqrt(variances.reduce((sum, variance) => sum + variance, 0)) / tasks.length
}

/** Of the mean of one task. */
function varianceOf({ sums, sizes }: ClusterSums): number {
  const rows = sizes.reduce((sum, size) => sum + size, 0)
  const centre = sums.reduce((sum, value) => sum + value, 0) / rows
  const squares = sums.reduce((sum, value, i) => sum + (value - sizes[i]! * centre) ** 2, 0)
  return (squares * sums.length) / (sums.length - 1) / rows ** 2
}

/**
 * How much wider than the percentiles: Student's quantile over the normal one, with Satterthwaite's
 * degrees of freedom over tasks, and √(clusters / (clusters − 1)).
 */
function expansion(tasks: readonly ClusterSums[], confidence: number): number {
  let [sum, squares, shrunk] = [0, 0, 0]
  for (const task of tasks) {
    const variance = varianceOf(task)
    const count = task.sums.length
    sum += variance
    squares += variance ** 2 / (count - 1)
    shrunk += (variance * (count - 1)) / count
  }
  // No row differs from another, or there is one cluster alone: nothing is known of the spread.
  if (!(sum > 0)) return 1
  const p = (1 + confidence) / 2
  return (studentQuantile(p, sum ** 2 / squares) / normalQuantile(p)) * Math.sqrt(sum / shrunk)
}

/**
 * Interval of any statistic of weighted rows. A resample gives every row the number of times that
 * its cluster was drawn, so the statistic can tell copies of a row from other rows.
 *
 * The percentiles are shifted by the bootstrap's own estimate of its bias (mean of the resampled
 * statistic − value): statistics such as a distance of means grow when noise is added once more,
 * and an unshifted interval could miss its own value (Efron & Tibshirani 1993, §10).
 * @param statistic computes the figure from `[rows]` weights that sum to more than 0; all 1 gives
 *   the value
 */
export function bootstrapWeighted(
  clusters: readonly string[],
  statistic: (weights: Float64Array) => number,
  options: BootstrapOptions,
): Interval {
  return weightedReplicates(clusters, (weights) => [statistic(weights)], options)[0]!
}

/** As `bootstrapWeighted`, for several statistics over the same draws. */
export function weightedReplicates(
  clusters: readonly string[],
  statistics: (weights: Float64Array) => readonly number[],
  options: BootstrapOptions,
): Interval[] {
  const { resamples = 2000 } = options
  const { members, count } = indexClusters(clusters)
  const weights = new Float64Array(clusters.length).fill(1)
  const values = statistics(weights)
  const replicates = values.map(() => new Float64Array(resamples))
  const random = stream(options.seed, 'bootstrap')
  const draws = new Float64Array(count)
  for (let r = 0; r < resamples; r++) {
    draws.fill(0)
    for (let d = 0; d < count; d++) {
      const drawn = (random() * count) | 0
      draws[drawn] = draws[drawn]! + 1
    }
    for (let i = 0; i < weights.length; i++) weights[i] = draws[members[i]!]!
    for (const [s, figure] of statistics(weights).entries()) replicates[s]![r] = figure
  }
  return values.map((value, s) => {
    // A resample of very few distinct rows may leave a statistic undefined: it says nothing about
    // the spread.
    const finite = replicates[s]!.filter(Number.isFinite)
    const bias = mean(finite) - value
    return percentileInterval(
      value,
      finite.map((figure) => figure - bias),
      options,
    )
  })
}

/**
 * The middle `confidence` of the replicates; NaN ends where there are none. Mirrored replicates
 * give the mirrored interval.
 */
function percentileInterval(
  value: number,
  replicates: Float64Array,
  { confidence = 0.95 }: BootstrapOptions,
): Interval {
  if (replicates.length === 0) return { value, low: Number.NaN, high: Number.NaN }
  const p = (1 + confidence) / 2
  const mirrored = replicates.map((replicate) => 0 - replicate)
  return { value, low: 0 - quantile(mirrored, p), high: quantile(replicates, p) }
}

interface ClusterSums {
  /** `[clusters]` sum of the values and number of rows of each. */
  sums: Float64Array
  sizes: Float64Array
}

function clusterSums({ values, clusters }: ScoredRows): ClusterSums {
  requireSameLength(values, clusters, 'values and clusters')
  const { members, count } = indexClusters(clusters)
  const sums = new Float64Array(count)
  const sizes = new Float64Array(count)
  for (let i = 0; i < members.length; i++) {
    const cluster = members[i]!
    sums[cluster] = sums[cluster]! + values[i]!
    sizes[cluster] = sizes[cluster]! + 1
  }
  return { sums, sizes }
}

/** Sum over rows of drawn clusters divided by their number: a ratio, as clusters differ in size. */
function resampledMean({ sums, sizes }: ClusterSums, random: Random): number {
  const count = sums.length
  let sum = 0
  let size = 0
  for (let d = 0; d < count; d++) {
    const drawn = (random() * count) | 0
    sum += sums[drawn]!
    size += sizes[drawn]!
  }
  return sum / size
}

/** Numbers clusters in order of first appearance. */
function indexClusters(clusters: readonly string[]): { members: Uint32Array; count: number } {
  const numbers = new Map<string, number>()
  const members = Uint32Array.from(clusters, (name) => {
    const number = numbers.get(name) ?? numbers.size
    numbers.set(name, number)
    return number
  })
  return { members, count: numbers.size }
}
