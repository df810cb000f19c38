/**
 * @file All measures of one set of pairs, of two models on the same pairs, and of the layers of a
 * model; each with an interval.
 */

import {
  type BootstrapOptions,
  type Interval,
  weightedReplicates,
} from '../../foundation/numeric/bootstrap.ts'
import { shapeOf } from '../../foundation/numeric/linear.ts'
import { shuffle, stream } from '../../foundation/numeric/random.ts'
import { requireSameLength } from '../../foundation/numeric/statistics.ts'
import { evidenceOf } from './evidence.ts'
import { linkedPairs } from './linked.ts'
import { type MeasureName, measureNames, measures } from './measures.ts'
import { type Pairs, unitPairs } from './pairs.ts'
import { Products } from './products.ts'
import { type Estimator, sampleOf } from './sample.ts'

export interface AlignmentOptions extends Omit<BootstrapOptions, 'expanded'> {
  /** `[pairs]` what is drawn together, e.g. the concept; default: every pair by itself. */
  clusters?: readonly string[]
  /**
   * Pairs at most of the measures over couples, whose resamples cost O(pairs²): of more, so many
   * are drawn by the seed. Default 1,000.
   */
  sample?: number
  /** Threads of the engine. */
  threads?: number
  signal?: AbortSignal
}

/** Every measure with its interval; NaN for a measure, or for ends, that are not defined. */
export type Alignment = ReadonlyMap<MeasureName, Interval>

/** Enough for ends of intervals that are shown to two digits. */
export const RESAMPLES = 300

/**
 * Share of resamples in which a measure may be undefined. Where it is more, as with few pairs, the
 * others show a part of the spread only: the measure then has no interval.
 */
const UNDEFINED = 0.1

/** Pairs of the measures over couples. */
export const SAMPLE = 1000

/**
 * Measures how image and text are aligned. Intervals (95 %) resample pairs by cluster, all measures
 * over the same draws. A pair should be one item: two pairs with the same text count as each
 * other's mismatch.
 * @throws AnalysisError, StatisticsError as `unitPairs`; InterruptedError
 */
export async function analyseAlignment(pairs: Pairs, options: AlignmentOptions): Promise<Alignment> {
  const prepared = await prepare(pairs, options)
  return resample(prepared, [prepared.estimators], options, ([figure]) => figure!, true)
}

/**
 * Measures of `a` − measures of `b`, two models on the same pairs, with paired intervals: one is an
 * effect where it leaves out 0.
 * @throws as `analyseAlignment`; StatisticsError `statistics/length` for another number of pairs
 */
export async function compareAlignment(a: Pairs, b: Pairs, options: AlignmentOptions): Promise<Alignment> {
  const [first, second] = [await prepare(a, options), await prepare(b, options)]
  requireSameLength({ length: first.count }, { length: second.count }, 'pairs of the two models')
  return resample(first, [first.estimators, second.estimators], options, ([x, y]) => x! - y!, false)
}

/** Which pairs the measures over couples look at, rising; undefined: all. */
export function drawnPairs(
  count: number,
  { seed, sample = SAMPLE }: AlignmentOptions,
): Uint32Array | undefined {
  if (count <= sample) return undefined
  const order = shuffle(
    Array.from({ length: count }, (_, i) => i),
    stream(seed, 'sampled pairs'),
  )
  return Uint32Array.from(order.slice(0, sample)).sort()
}

interface Prepared {
  readonly count: number
  readonly clusters: readonly string[]
  readonly drawn: Uint32Array | undefined
  readonly estimators: ReadonlyMap<MeasureName, Estimator>
}

async function prepare(pairs: Pairs, options: AlignmentOptions): Promise<Prepared> {
  const unit = unitPairs(pairs)
  const { rows: count } = shapeOf(unit.images)
  const { clusters = Array.from({ length: count }, (_, i) => String(i)), threads, signal } = options
  requireSameLength({ length: count }, clusters, 'pairs and clusters')
  const drawn = drawnPairs(count, options)
  await using products = new Products({ threads, signal })
  const evidence = evidenceOf(unit, products, { drawn, linked: linkedPairs(unit, clusters) })
  const estimators = new Map<MeasureName, Estimator>()
  for (const name of measureNames) estimators.set(name, await measures[name].prepare(evidence))
  return { count, clusters, drawn, estimators }
}

/**
 * Draws pairs again and again. Measures over couples of a drawn part are resampled within it, all
 * others over all pairs.
 * @param joined makes one figure of those of all sets
 * @param inRange whether intervals end where the measure does
 */
function resample(
  { clusters, drawn }: Prepared,
  sets: readonly Prepared['estimators'][],
  { seed, resamples = RESAMPLES, confidence }: AlignmentOptions,
  joined: (figures: readonly number[]) => number,
  inRange: boolean,
): Alignment {
  const ofPart = (name: MeasureName) => drawn !== undefined && measures[name].over === 'couples'
  const found = new Map<MeasureName, Interval>()
  const run = (names: readonly MeasureName[], rows: readonly string[]) => {
    if (names.length === 0) return
    const estimators = names.map((name) => sets.map((set) => set.get(name)!))
    const undefinedIn = new Uint32Array(names.length)
    const intervals = weightedReplicates(
      rows,
      (weights) => {
        const sample = sampleOf(weights)
        return estimators.map((one, i) => {
          const figure = joined(one.map((estimator) => estimator(sample)))
          if (!Number.isFinite(figure)) undefinedIn[i] = undefinedIn[i]! + 1
          return figure
        })
      },
      { seed, resamples, confidence },
    )
    for (const [i, name] of names.entries()) {
      const { value, low, high } = intervals[i]!
      if (undefinedIn[i]! > UNDEFINED * resamples)
        found.set(name, { value, low: Number.NaN, high: Number.NaN })
      else
        found.set(name, inRange ? within(measures[name].range, { value, low, high }) : { value, low, high })
    }
  }
  run(
    measureNames.filter((name) => !ofPart(name)),
    clusters,
  )
  run(
    measureNames.filter(ofPart),
    Array.from(drawn ?? [], (pair) => clusters[pair]!),
  )
  return new Map(measureNames.map((name) => [name, found.get(name)!]))
}

/**
 * Both ends on both sides: an interval that was shifted out of the range as a whole ends at its
 * border.
 */
function within([least, most]: readonly [number, number], { value, low, high }: Interval): Interval {
  const cut = (end: number) => Math.min(most, Math.max(least, end))
  return { value, low: cut(low), high: cut(high) }
}
