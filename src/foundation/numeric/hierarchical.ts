/**
 * @file Intervals of figures that stand on a few trainings and many test rows: both could have been
 * drawn otherwise. A bootstrap over trainings and clusters of rows gives the interval its form;
 * variances and Student's quantile give it its width, because three trainings vary too little among
 * their own resamples.
 * @see docs/statistics.md, "Intervals over trainings"
 */

import type { BootstrapOptions, Interval } from './bootstrap.ts'
import { normalQuantile, studentQuantile } from './quantiles.ts'
import { stream } from './random.ts'
import { mean, quantile, requireFinite, requireSameLength, StatisticsError } from './statistics.ts'

/**
 * Trainings of one kind: `[draws][tasks][rows]` contributions to the figure. Rows are the same in
 * all draws and strata. The figure is the sum over strata of the mean over draws, tasks and rows,
 * so that a difference of two kinds is a stratum of values and one of negated values.
 */
export type Stratum = readonly (readonly ArrayLike<number>[])[]

export interface HierarchicalInterval extends Interval {
  standardError: number
  /** Satterthwaite's degrees of freedom; infinite where nothing varies. */
  freedom: number
  /** Shares of the variance: trainings, clusters of rows. They sum to 1, or are 0. */
  shares: { trainings: number; rows: number }
  /** Whether every stratum has two draws or more; else the interval covers some trainings only. */
  covered: boolean
}

/**
 * @param clusters `[tasks][rows]` rows that share a cluster are drawn together, within their task
 * @throws StatisticsError `statistics/empty`, `statistics/length`, `statistics/not-finite`;
 *   `statistics/clusters` where no task has two clusters
 */
export function hierarchicalInterval(
  strata: readonly Stratum[],
  clusters: readonly (readonly string[])[],
  { seed, resamples = 2000, confidence = 0.95 }: BootstrapOptions,
): HierarchicalInterval {
  if (strata.length === 0 || strata.some((stratum) => stratum.length === 0)) {
    throw new StatisticsError('empty', {
      message: 'a figure of no trainings',
      hint: 'Each stratum needs at least one draw.',
    })
  }
  const sums = strata.map((stratum, i) => stratum.map((draw) => drawSums(draw, clusters, `stratum ${i}`)))
  const value = sums.reduce((sum, draws) => sum + mean(draws.map(figureOf)), 0)
  const { variance, freedom, trainings } = variances(sums)
  const covered = sums.every((draws) => draws.length > 1)
  if (!(variance > 0)) {
    const shares = { trainings: 0, rows: 0 }
    return { value, low: value, high: value, standardError: 0, freedom: Infinity, shares, covered }
  }
  const standardError = Math.sqrt(variance)
  const share = trainings / variance
  const replicates = resampled(sums, resamples, seed)
  const centre = mean(replicates)
  const spread = Math.sqrt(mean(replicates.map((one) => (one - centre) ** 2)))
  const p = (1 + confidence) / 2
  // Where clusters are all alike, resamples may not vary though trainings do.
  const width = (studentQuantile(p, Math.max(1, freedom)) / normalQuantile(p)) * (standardError / spread)
  const end = (at: number) => value + width * (quantile(replicates, at) - centre)
  return {
    value,
    low: end(1 - p),
    high: end(p),
    standardError,
    freedom,
    shares: { trainings: share, rows: 1 - share },
    covered,
  }
}

/** One draw: for each task the sums of its clusters, and their numbers of rows. */
type DrawSums = readonly { sums: Float64Array; sizes: Float64Array }[]

function drawSums(
  draw: readonly ArrayLike<number>[],
  clusters: readonly (readonly string[])[],
  what: string,
): DrawSums {
  requireSameLength(draw, clusters, `${what}, tasks`)
  const all = draw.map((values, task) => {
    requireFinite(values, `${what}, task ${task}`)
    requireSameLength(values, clusters[task]!, `${what}, task ${task}`)
    const numbers = new Map<string, number>()
    for (const name of clusters[task]!) if (!numbers.has(name)) numbers.set(name, numbers.size)
    const sums = new Float64Array(numbers.size)
    const sizes = new Float64Array(numbers.size)
    for (const [row, name] of clusters[task]!.entries()) {
      const at = numbers.get(name)!
      sums[at]! += values[row]!
      sizes[at]! += 1
    }
    return { sums, sizes }
  })
  if (all.some(({ sums }) => sums.length > 1)) return all
  throw new StatisticsError('clusters', {
    message: `${what}: all rows of each task are of one cluster`,
    hint: 'An interval needs two clusters or more.',
  })
}

/** Mean over tasks of the mean over rows. */
function figureOf(draw: DrawSums): number {
  return mean(draw.map(({ sums, sizes }) => total(sums) / total(sizes)))
}

const total = (values: ArrayLike<number>): number => mean(values) * values.length

/**
 * Variance of the figure. Spread between trainings and spread between clusters both hold the
 * chance of a single training on a single cluster, which is counted once: `trainings + rows −
 * both` (Cameron, Gelbach & Miller 2011), where the first and the last are never less than nothing.
 * Each part has its degrees of freedom (Satterthwaite 1946). Strata are drawn apart from each
 * other: trainings with the same seed do not count as a pair.
 */
function variances(strata: readonly (readonly DrawSums[])[]): {
  variance: number
  freedom: number
  trainings: number
} {
  const first = strata[0]![0]!
  const residuals = strata.map((draws) => draws.map(residualsOf))
  let [between, betweenSquares] = [0, 0]
  let [both, bothSquares] = [0, 0]
  for (const [s, draws] of strata.entries()) {
    const n = draws.length
    if (n < 2) continue
    const part = sampleVariance(draws.map(figureOf)) / n
    between += part
    betweenSquares += part ** 2 / (n - 1)
    for (const [task, { sums }] of first.entries()) {
      const count = sums.length
      if (count < 2) continue
      const own = Float64Array.from(sums, (_, c) =>
        sampleVariance(residuals[s]!.map((draw) => draw[task]![c]!)),
      )
      const shared = ((total(own) / n) * count) / (count - 1)
      both += shared
      bothSquares += shared ** 2 / ((n - 1) * (count - 1))
    }
  }
  let [rows, rowsSquares] = [0, 0]
  for (const [task, { sums }] of first.entries()) {
    const count = sums.length
    if (count < 2) continue
    let squares = 0
    for (let c = 0; c < count; c++)
      squares += residuals.reduce((sum, draws) => sum + mean(draws.map((draw) => draw[task]![c]!)), 0) ** 2
    const part = (squares * count) / (count - 1)
    rows += part
    rowsSquares += part ** 2 / (count - 1)
  }
  const trainings = Math.max(0, between - both)
  const variance = rows + trainings
  const uncertain = rowsSquares + (trainings > 0 ? betweenSquares + bothSquares : 0)
  return { variance, trainings, freedom: uncertain > 0 ? variance ** 2 / uncertain : Infinity }
}

/** `[tasks][clusters]`: by how much a cluster moves the figure of its draw. */
function residualsOf(draw: DrawSums): Float64Array[] {
  return draw.map(({ sums, sizes }) => {
    const rows = total(sizes)
    const centre = total(sums) / rows
    return sums.map((sum, c) => (sum - sizes[c]! * centre) / (rows * draw.length))
  })
}

function sampleVariance(values: readonly number[]): number {
  const centre = mean(values)
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1)
}

/**
 * `[resamples]`: draws of each stratum, and clusters of each task, drawn with replacement. What
 * lies within a draw (conversions of one pretraining) is not drawn again: its spread is part of the
 * draws' spread (Davison & Hinkley 1997, §3.8).
 */
function resampled(strata: readonly (readonly DrawSums[])[], resamples: number, seed: number): Float64Array {
  const tasks = strata[0]![0]!
  const random = stream(seed, 'hierarchical')
  return new Float64Array(resamples).map(() => {
    const factors = strata.map((draws) => {
      const counts = new Float64Array(draws.length)
      for (let d = 0; d < draws.length; d++) counts[(random() * draws.length) | 0]! += 1 / draws.length
      return counts
    })
    let figure = 0
    for (const [task, { sizes }] of tasks.entries()) {
      const times = new Float64Array(sizes.length)
      for (let c = 0; c < sizes.length; c++) times[(random() * sizes.length) | 0]! += 1
      const rows = times.reduce((sum, count, c) => sum + count * sizes[c]!, 0)
      for (const [s, draws] of strata.entries()) {
        for (const [d, draw] of draws.entries()) {
          const factor = factors[s]![d]!
          if (factor === 0) continue
          const { sums } = draw[task]!
          let sum = 0
          for (let c = 0; c < sums.length; c++) sum += times[c]! * sums[c]!
          figure += (factor * sum) / rows
        }
      }
    }
    return figure / tasks.length
  })
}
