/** @file Over models: does a measure rank them as their scores do? */

import {
  type BootstrapOptions,
  bootstrapWeighted,
  type Interval,
} from '../../foundation/numeric/bootstrap.ts'
import { shuffle, stream } from '../../foundation/numeric/random.ts'
import { holm } from '../../foundation/numeric/significance.ts'
import { spearman } from '../../foundation/numeric/statistics.ts'

/** A model's score, and its measures by name. */
export interface ScoredModel {
  readonly id: string
  readonly score: number
  readonly figures: Readonly<Record<string, number>>
}

export interface PredictionRow {
  readonly measure: string
  /**
   * Spearman's correlation with its interval over models; null where all models have one value, and
   * for two models.
   */
  readonly correlation: Interval | null
  /** Chance of a correlation this strong either way were models paired with scores at random. */
  readonly p: number | null
  /** The same, adjusted for the number of measures (Holm 1979). */
  readonly adjusted: number | null
  readonly verdict: 'predicts' | 'cannot-be-told'
}

/** With fewer models the strongest correlation comes by luck in more than one of twenty cases. */
export const FEWEST_MODELS = 5
/** All orders of so many models are tried: 5,040; of more, as many as `DRAWS` are drawn. */
const ALL_ORDERS = 7
const DRAWS = 10_000
const ALPHA = 0.05

/**
 * Compares each measure that all models have with their scores.
 * @example predictionOf(models, { seed: 7 }).filter(({ verdict }) => verdict === 'predicts')
 */
export function predictionOf(models: readonly ScoredModel[], { seed }: { seed: number }): PredictionRow[] {
  const scores = models.map(({ score }) => score)
  const found = sharedMeasures(models).map((measure): Correlated => {
    const values = models.map(({ figures }) => figures[measure]!)
    const correlation = models.length < 3 ? Number.NaN : spearman(values, scores)
    if (!Number.isFinite(correlation)) return { measure, correlation: null, p: null }
    const of = (drawn: readonly number[]) =>
      spearman(
        drawn.map((i) => values[i]!),
        drawn.map((i) => scores[i]!),
      )
    return {
      measure,
      correlation: overModels(models.length, of, { seed }),
      p: byLuck(values, scores, Math.abs(correlation), seed),
    }
  })
  return judged(found, models.length)
}

/** Measures that all models have. */
export function sharedMeasures(models: readonly { readonly figures: Readonly<Record<string, unknown>> }[]) {
  return Object.keys(models[0]?.figures ?? {}).filter((name) =>
    models.every(({ figures }) => figures[name] !== undefined),
  )
}

/** A measure before it is judged. */
export type Correlated = Pick<PredictionRow, 'measure' | 'correlation' | 'p'>

/**
 * A measure predicts where its interval leaves out 0 and its p-value, adjusted for the number of
 * measures, is at most 5 %; fewer than `FEWEST_MODELS` models tell nothing.
 */
export function judged(found: readonly Correlated[], models: number): PredictionRow[] {
  const tested = found.filter(({ p }) => p !== null)
  const adjusted = holm(tested.map(({ p }) => p!))
  return found.map((one) => {
    const at = tested.indexOf(one)
    const corrected = at < 0 ? null : adjusted[at]!
    const { correlation } = one
    const isClear =
      models >= FEWEST_MODELS &&
      correlation !== null &&
      (correlation.low > 0 || correlation.high < 0) &&
      corrected !== null &&
      corrected <= ALPHA
    return { ...one, adjusted: corrected, verdict: isClear ? 'predicts' : 'cannot-be-told' }
  })
}

/**
 * The interval of a correlation over models, which are drawn whole.
 * @param correlationOf of the models at these places, each as often as it is named
 */
export function overModels(
  models: number,
  correlationOf: (drawn: readonly number[]) => number,
  options: Partial<BootstrapOptions> & { seed: number },
): Interval {
  const { value, low, high } = bootstrapWeighted(
    Array.from({ length: models }, (_, i) => String(i)),
    (weights) => correlationOf([...weights].flatMap((count, i) => Array.from({ length: count }, () => i))),
    options,
  )
  const inRange = (end: number) => Math.max(-1, Math.min(1, end))
  return { value: inRange(value), low: inRange(low), high: inRange(high) }
}

/** Share of the orders of models whose correlation is at least as strong. */
function byLuck(values: readonly number[], scores: readonly number[], found: number, seed: number): number {
  let [as, all] = [0, 0]
  const random = stream(seed, 'orders of models')
  const orders =
    values.length <= ALL_ORDERS
      ? permutations([...scores])
      : Array.from({ length: DRAWS }, () => shuffle([...scores], random))
  for (const order of orders) {
    all += 1
    // Equal correlations differ in their last bits.
    if (Math.abs(spearman(values, order)) >= found - 1e-12) as += 1
  }
  // A drawn set of orders has the given one too.
  return values.length <= ALL_ORDERS ? as / all : (as + 1) / (all + 1)
}

function permutations(items: readonly number[]): number[][] {
  if (items.length <= 1) return [[...items]]
  return items.flatMap((item, i) =>
    permutations(items.filter((_, j) => j !== i)).map((rest) => [item, ...rest]),
  )
}
