/**
 * @file The registry of alignment measures: names as in results.json, words for the report,
 * sources. A new measure is a row here.
 */

import { centredAlignment, distributionGap, modalityGap, relativeGap, separability } from './gap.ts'
import { type Estimator, geometryOf, type PairGeometry, type Pairs, wholeSample } from './geometry.ts'
import { alignment, matchedAuc, matchedMargin, recallImageToText, recallTextToImage } from './matching.ts'
import {
  effectiveRankOfImages,
  effectiveRankOfTexts,
  hubness,
  linearCka,
  mutualNeighbours,
  uniformityOfImages,
  uniformityOfTexts,
} from './structure.ts'

/** One alignment measure. */
export interface Measure {
  /** Words for tables and axes. */
  label: string
  /** The direction of better alignment; `neutral` where there is none. */
  direction: 'higher' | 'lower' | 'neutral'
  /** How to read it, in one plain sentence. */
  meaning: string
  /** Values that the measure can take; ends of intervals are cut to it. */
  range: readonly [low: number, high: number]
  /** Paper of the definition. */
  source: string
  /** Splits the work: first what depends on the vectors only, then what depends on the weights. */
  prepare: (geometry: PairGeometry) => Estimator
}

/** Neighbours that `mutualNeighbours` and `hubness` look at, as in their papers. */
const NEIGHBOURS = 10

export const measures = {
  modalityGap: {
    label: 'Modality gap (centroids)',
    direction: 'lower',
    meaning:
      'Distance between the mean image vector and the mean text vector: 0 when images and texts lie around the same place.',
    range: [0, 2],
    source: 'Liang et al. 2022',
    prepare: modalityGap,
  },
  distributionGap: {
    label: 'Distribution gap (after centring)',
    direction: 'lower',
    meaning: 'What still separates images from texts once both are centred: their different spread.',
    range: [-1, 1],
    source: 'Székely & Rizzo 2013; arXiv 2604.00279',
    prepare: distributionGap,
  },
  relativeGap: {
    label: 'Relative gap',
    direction: 'lower',
    meaning: 'The gap seen against the distances within each modality.',
    range: [0, 1],
    source: 'Schrodi et al. 2025',
    prepare: relativeGap,
  },
  separability: {
    label: 'Image or text, told by the centroid axis (AUC)',
    direction: 'lower',
    meaning:
      'How surely one direction tells images from texts: 0.5 when they are mixed, 1 when they lie apart.',
    range: [0, 1],
    source: 'nearest centroid, cross-fitted',
    prepare: separability,
  },
  matchedMargin: {
    label: 'Matched − mismatched cosine',
    direction: 'higher',
    meaning: 'How much nearer matched pairs are than mismatched ones, in cosine.',
    range: [-2, 2],
    source: 'difference of means',
    prepare: matchedMargin,
  },
  matchedAuc: {
    label: 'Matched above mismatched (AUC)',
    direction: 'higher',
    meaning: 'Chance that a matched pair is nearer than a mismatched one: 0.5 is guessing.',
    range: [0, 1],
    source: 'Hanley & McNeil 1982',
    prepare: matchedAuc,
  },
  recallImageToText: {
    label: 'Recall@1, image to text',
    direction: 'higher',
    meaning: 'How often the nearest caption of an image is its own.',
    range: [0, 1],
    source: 'ties in expectation',
    prepare: recallImageToText(1),
  },
  recallTextToImage: {
    label: 'Recall@1, text to image',
    direction: 'higher',
    meaning: 'How often the nearest image of a caption is its own.',
    range: [0, 1],
    source: 'ties in expectation',
    prepare: recallTextToImage(1),
  },
  alignment: {
    label: 'Alignment (squared distance)',
    direction: 'lower',
    meaning: 'Mean squared distance of matched pairs: 0 when they coincide.',
    range: [0, 4],
    source: 'Wang & Isola 2020',
    prepare: alignment,
  },
  centredAlignment: {
    label: 'Alignment after centring',
    direction: 'lower',
    meaning: 'The same after moving both means together: what remains is no shift.',
    range: [0, 4],
    source: 'Wang & Isola 2020, less the centroid gap squared',
    prepare: centredAlignment,
  },
  uniformityImages: {
    label: 'Uniformity, images',
    direction: 'lower',
    meaning: 'How evenly images fill the sphere: lower is more even.',
    range: [-8, 0],
    source: 'Wang & Isola 2020',
    prepare: uniformityOfImages,
  },
  uniformityTexts: {
    label: 'Uniformity, texts',
    direction: 'lower',
    meaning: 'How evenly texts fill the sphere: lower is more even.',
    range: [-8, 0],
    source: 'Wang & Isola 2020',
    prepare: uniformityOfTexts,
  },
  linearCka: {
    label: 'Linear CKA',
    direction: 'higher',
    meaning: 'Whether images and texts have the same geometry, up to rotation and scale.',
    range: [-1, 1],
    source: 'Kornblith et al. 2019; Song et al. 2012',
    prepare: linearCka,
  },
  mutualNeighbours: {
    label: 'Mutual 10 nearest neighbours',
    direction: 'higher',
    meaning: 'Share of neighbours that an item has in both modalities.',
    range: [0, 1],
    source: 'Huh et al. 2024',
    prepare: mutualNeighbours(NEIGHBOURS),
  },
  effectiveRankImages: {
    label: 'Effective rank, images',
    direction: 'neutral',
    meaning: 'In how many directions images really vary.',
    range: [0, Number.POSITIVE_INFINITY],
    source: 'participation ratio of the covariance',
    prepare: effectiveRankOfImages,
  },
  effectiveRankTexts: {
    label: 'Effective rank, texts',
    direction: 'neutral',
    meaning: 'In how many directions texts really vary.',
    range: [0, Number.POSITIVE_INFINITY],
    source: 'participation ratio of the covariance',
    prepare: effectiveRankOfTexts,
  },
  hubness: {
    label: 'Hubness of texts (skewness)',
    direction: 'lower',
    meaning: 'Whether a few texts are the neighbours of everything: high is bad for retrieval.',
    range: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
    source: 'Radovanović et al. 2010',
    prepare: hubness(NEIGHBOURS),
  },
} as const satisfies Record<string, Measure>

export type MeasureName = keyof typeof measures

/** All names, in the order of the registry. */
export const measureNames: readonly MeasureName[] = Object.keys(measures).filter(
  (name): name is MeasureName => name in measures,
)

/** One measure of paired vectors. @example measure('linearCka', { images, texts }) */
export function measure(name: MeasureName, pairs: Pairs): number {
  const geometry = geometryOf(pairs)
  return measures[name].prepare(geometry)(wholeSample(geometry.count))
}
