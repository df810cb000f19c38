/**
 * @file All measures of one set of pairs, of two models on the same pairs, and of the layers of a
 * model; each with an interval.
 */

import {
  type BootstrapOptions,
  type Interval,
  weightedReplicates,
} from '../../foundation/numeric/bootstrap.ts'
import { requireSameLength } from '../../foundation/numeric/statistics.ts'
import type { LayerName } from '../../models/embedder/readout.ts'
import { geometryOf, type Pairs, type Sample, sampleOf } from './geometry.ts'
import { type MeasureName, measureNames, measures } from './measures.ts'

export interface AlignmentOptions extends BootstrapOptions {
  /** `[pairs]` what is drawn together, e.g. the concept; default: every pair by itself. */
  clusters?: readonly string[]
}

/** Every measure with its interval. */
export type Alignment = Record<MeasureName, Interval>

/** The pairs of one layer. */
export interface LayerPairs {
  /** As `layerNames` of the embedder's readouts counts. */
  layer: LayerName
  pairs: Pairs
}

/** Enough for ends of intervals that are shown to two digits; a resample costs O(pairs²). */
const RESAMPLES = 300

/**
 * Measures how image and text are aligned. Intervals (95 %) resample pairs by cluster, all measures
 * over the same draws. A pair should be one item: two pairs with the same text count as each
 * other's mismatch.
 */
export function analyseAlignment(pairs: Pairs, options: AlignmentOptions): Alignment {
  const { count, evaluate } = prepare(pairs)
  return resample(count, evaluate, options, (name) => measures[name].range)
}

/**
 * Measures of `a` − measures of `b`, two models on the same pairs, with paired intervals: one is an
 * effect where it leaves out 0.
 */
export function compareAlignment(a: Pairs, b: Pairs, options: AlignmentOptions): Alignment {
  const [first, second] = [prepare(a), prepare(b)]
  requireSameLength({ length: first.count }, { length: second.count }, 'pairs of the two models')
  const difference = (sample: Sample) => {
    const subtrahends = second.evaluate(sample)
    return first.evaluate(sample).map((figure, i) => figure - subtrahends[i]!)
  }
  return resample(first.count, difference, options, () => [
    Number.NEGATIVE_INFINITY,
    Number.POSITIVE_INFINITY,
  ])
}

/** Measures layer by layer, all layers over the same draws. */
export function layerCurves(
  layers: readonly LayerPairs[],
  options: AlignmentOptions,
): { layer: LayerName; measures: Alignment }[] {
  return layers.map(({ layer, pairs }) => ({ layer, measures: analyseAlignment(pairs, options) }))
}

function prepare(pairs: Pairs): { count: number; evaluate: (sample: Sample) => number[] } {
  const geometry = geometryOf(pairs)
  const estimators = measureNames.map((name) => measures[name].prepare(geometry))
  return { count: geometry.count, evaluate: (sample) => estimators.map((estimator) => estimator(sample)) }
}

function resample(
  count: number,
  evaluate: (sample: Sample) => number[],
  { clusters = Array.from({ length: count }, (_, i) => String(i)), ...options }: AlignmentOptions,
  rangeOf: (name: MeasureName) => readonly [number, number],
): Alignment {
  requireSameLength({ length: count }, clusters, 'pairs and clusters')
  const intervals = weightedReplicates(clusters, (weights) => evaluate(sampleOf(weights)), {
    resamples: RESAMPLES,
    ...options,
  })
  const of = (name: MeasureName): Interval => {
    const { value, low, high } = intervals[measureNames.indexOf(name)]!
    const [least, most] = rangeOf(name)
    // Both ends on both sides: an interval that was shifted out of the range as a whole ends at its
    // border.
    const inRange = (end: number) => Math.min(most, Math.max(least, end))
    return { value, low: inRange(low), high: inRange(high) }
  }
  return {
    modalityGap: of('modalityGap'),
    distributionGap: of('distributionGap'),
    relativeGap: of('relativeGap'),
    separability: of('separability'),
    matchedMargin: of('matchedMargin'),
    matchedAuc: of('matchedAuc'),
    recallImageToText: of('recallImageToText'),
    recallTextToImage: of('recallTextToImage'),
    alignment: of('alignment'),
    centredAlignment: of('centredAlignment'),
    uniformityImages: of('uniformityImages'),
    uniformityTexts: of('uniformityTexts'),
    linearCka: of('linearCka'),
    mutualNeighbours: of('mutualNeighbours'),
    effectiveRankImages: of('effectiveRankImages'),
    effectiveRankTexts: of('effectiveRankTexts'),
    hubness: of('hubness'),
  }
}
