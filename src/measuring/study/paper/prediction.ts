/**
 * @file Do measures of alignment predict scores? Rank correlations over models and their layers,
 * with intervals and tests that draw whole models, because what was read from one model goes
 * together.
 */

import { bootstrapWeighted, type Interval } from '../../../foundation/numeric/bootstrap.ts'
import { shuffle, stream } from '../../../foundation/numeric/random.ts'
import { holm, signFlipTest } from '../../../foundation/numeric/significance.ts'
import { mean, spearman } from '../../../foundation/numeric/statistics.ts'

/** A model at its places: tunings, or layers. All models have the same places. */
export interface PlacedModel {
  readonly id: string
  /** `[places]` */
  readonly scores: readonly number[]
  /** Measure → `[places]`. */
  readonly figures: Readonly<Record<string, readonly number[]>>
}

/**
 * The correlation of measure and score over all models and places together; over models at each
 * place, the mean over places; over the places of each model, the mean over models.
 */
export type Over = 'all' | 'models' | 'places'

export interface PaperPrediction {
  readonly measure: string
  /** Spearman's, its interval over models; null where it is not defined, and for two models. */
  readonly correlation: Interval | null
  /** Chance of one this strong either way, were models paired with scores at random. */
  readonly p: number | null
  /** Adjusted for the number of measures (Holm 1979). */
  readonly adjusted: number | null
  readonly verdict: 'predicts' | 'cannot-be-told'
}

/** With fewer models the strongest correlation comes by luck in more than one of twenty cases. */
const FEWEST_MODELS = 5
const ALPHA = 0.05
/** Of intervals and tests. */
const DRAWS = 2000

/**
 * Compares each measure that all models have with their scores. A measure predicts where its
 * interval leaves out 0 and its adjusted p-value is at most 5 %.
 * @param options.draws of intervals and tests
 */
export function paperPrediction(
  models: readonly PlacedModel[],
  over: Over,
  { seed, draws = DRAWS }: { seed: number; draws?: number },
): PaperPrediction[] {
  const measures = Object.keys(models[0]?.figures ?? {}).filter((name) =>
    models.every(({ figures }) => figures[name] !== undefined),
  )
  const scores = models.map((model) => model.scores)
  const found = measures.map((measure) => {
    const figures = models.map((model) => model.figures[measure]!)
    const value = models.length < 3 ? Number.NaN : correlationOf(figures, scores, over)
    if (!Number.isFinite(value)) return { measure, correlation: null, p: null }
    return {
      measure,
      correlation: intervalOf(figures, scores, over, { seed, draws }),
      p: byLuck(figures, scores, over, { seed, draws }),
    }
  })
  const tested = found.filter(({ p }) => p !== null)
  const adjusted = holm(tested.map(({ p }) => p!))
  return found.map((one) => {
    const at = tested.indexOf(one)
    const corrected = at < 0 ? null : adjusted[at]!
    const { correlation } = one
    const isClear =
      models.length >= FEWEST_MODELS &&
      correlation !== null &&
      (correlation.low > 0 || correlation.high < 0) &&
      corrected !== null &&
      corrected <= ALPHA
    return { ...one, adjusted: corrected, verdict: isClear ? 'predicts' : 'cannot-be-told' }
  })
}

/** Of models with `[places]` values each. NaN where no part of it is defined. */
function correlationOf(
  figures: readonly (readonly number[])[],
  scores: readonly (readonly number[])[],
  over: Over,
): number {
  if (over === 'all') return spearman(figures.flat(), scores.flat())
  const parts =
    over === 'places'
      ? figures.map((own, model) => spearman(own, scores[model]!))
      : (scores[0] ?? []).map((_, place) =>
          spearman(
            figures.map((own) => own[place]!),
            scores.map((own) => own[place]!),
          ),
        )
  // A layer at which all models score alike says nothing.
  return mean(parts.filter(Number.isFinite))
}

function intervalOf(
  figures: readonly (readonly number[])[],
  scores: readonly (readonly number[])[],
  over: Over,
  { seed, draws }: { seed: number; draws: number },
): Interval {
  const { value, low, high } = bootstrapWeighted(
    figures.map((_, model) => String(model)),
    (weights) => {
      const drawn = [...weights].flatMap((count, model) => Array.from({ length: count }, () => model))
      return correlationOf(
        drawn.map((model) => figures[model]!),
        drawn.map((model) => scores[model]!),
        over,
      )
    },
    { seed, resamples: draws },
  )
  const inRange = (end: number) => Math.max(-1, Math.min(1, end))
  return { value: inRange(value), low: inRange(low), high: inRange(high) }
}

/**
 * Over models, their scores are exchanged as wholes. Over places, the signs of the models'
 * correlations are: all models have the same layers, so their orders are no independent draws.
 */
function byLuck(
  figures: readonly (readonly number[])[],
  scores: readonly (readonly number[])[],
  over: Over,
  { seed, draws }: { seed: number; draws: number },
): number {
  if (over === 'places') {
    const values = figures
      .map((own, model) => spearman(own, scores[model]!))
      .filter((correlation) => Number.isFinite(correlation))
    return signFlipTest([{ values, clusters: values.map((_, model) => String(model)) }], {
      seed,
      draws,
    })
  }
  const random = stream(seed, 'orders of models')
  // Equal correlations differ in their last bits.
  const found = Math.abs(correlationOf(figures, scores, over)) - 1e-12
  let as = 1
  for (let draw = 0; draw < draws; draw++)
    if (Math.abs(correlationOf(figures, shuffle([...scores], random), over)) >= found) as += 1
  return as / (draws + 1)
}
