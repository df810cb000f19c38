/**
 * @file Do measures of alignment predict scores? Rank correlations over models and their layers,
 * with intervals and tests that draw whole models, because what was read from one model goes
 * together.
 */

import { shuffle, stream } from '../../../foundation/numeric/random.ts'
import { signFlipTest } from '../../../foundation/numeric/significance.ts'
import { mean, spearman } from '../../../foundation/numeric/statistics.ts'
import {
  type Correlated,
  judged,
  overModels,
  type PredictionRow,
  sharedMeasures,
} from '../../analysis/prediction.ts'

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

/** Of intervals and tests. */
const DRAWS = 2000

/**
 * Compares each measure that all models have with their scores.
 * @param options.draws of intervals and tests
 */
export function paperPrediction(
  models: readonly PlacedModel[],
  over: Over,
  { seed, draws = DRAWS }: { seed: number; draws?: number },
): PredictionRow[] {
  const scores = models.map((model) => model.scores)
  const found = sharedMeasures(models).map((measure): Correlated => {
    const figures = models.map((model) => model.figures[measure]!)
    const value = models.length < 3 ? Number.NaN : correlationOf(figures, scores, over)
    if (!Number.isFinite(value)) return { measure, correlation: null, p: null }
    const of = (drawn: readonly number[]) =>
      correlationOf(
        drawn.map((model) => figures[model]!),
        drawn.map((model) => scores[model]!),
        over,
      )
    return {
      measure,
      correlation: overModels(models.length, of, { seed, resamples: draws }),
      p: byLuck(figures, scores, over, { seed, draws }),
    }
  })
  return judged(found, models.length)
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
