/**
 * @file The registry of alignment measures: names as in results.json, words for the report,
 * sources. A new measure is a row here.
 */

import { type Evidence, type EvidenceOf, evidenceOf } from './evidence.ts'
import { centredAlignment, distributionGap, modalityGap, relativeGap, separability } from './gap.ts'
import {
  alignment,
  matchedAuc,
  matchedMargin,
  matchedOverlap,
  ndcgMixed,
  recallImageToText,
  recallMixed,
  recallTextToImage,
} from './matching.ts'
import { type Pairs, unitPairs } from './pairs.ts'
import { Products } from './products.ts'
import { type Estimator, wholeSample } from './sample.ts'
import {
  anisotropyOfImages,
  anisotropyOfTexts,
  effectiveRankOfImages,
  effectiveRankOfTexts,
  hubnessOfImages,
  hubnessOfTexts,
  linearCka,
  mutualNeighbours,
  procrustes,
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
  /** Of unit vectors x of images and y of texts; x′ and y′ are others. */
  formula: string
  /** Paper of the definition. */
  source: string
  /** The products that it is computed from. */
  over: keyof Evidence
  /** Splits the work: first what depends on the vectors only, then what depends on the weights. */
  prepare: (evidence: EvidenceOf) => Promise<Estimator>
}

/** A measure that is computed from one kind of products. */
function from<Over extends keyof Evidence>(over: Over, prepare: (evidence: Evidence[Over]) => Estimator) {
  return { over, prepare: async (evidence: EvidenceOf) => prepare(await evidence[over]()) }
}

export const measures = {
  modalityGap: {
    label: 'Modality gap (centroids)',
    direction: 'lower',
    meaning: 'Distance of the mean image from the mean text: 0 when both lie around one place.',
    range: [0, 2],
    formula: '‖mean of images − mean of texts‖',
    source: 'Liang et al. 2022',
    ...from('pairs', modalityGap),
  },
  distributionGap: {
    label: 'Distribution gap (after centring)',
    direction: 'lower',
    meaning: 'What still separates images from texts once both are centred: their different spread.',
    range: [-1, 1],
    formula: '(2E‖x−y‖ − E‖x−x′‖ − E‖y−y′‖) / 2E‖x−y‖, each set less its mean',
    source: 'Székely & Rizzo 2013; arXiv 2604.00279',
    ...from('couples', distributionGap),
  },
  relativeGap: {
    label: 'Relative gap',
    direction: 'lower',
    meaning: 'The gap seen against the distances within each modality.',
    range: [0, 1],
    formula: 'm / (m + w), m = mean 1 − cos of matched, w = mean 1 − cos within the modalities',
    source: 'Schrodi et al. 2025',
    ...from('pairs', relativeGap),
  },
  separability: {
    label: 'Image or text, told by the centroid axis (AUC)',
    direction: 'lower',
    meaning:
      'How surely one direction tells images from texts: 0.5 when they are mixed, 1 when they lie apart.',
    range: [0, 1],
    formula: 'AUC of v·(mean of images − mean of texts), means of the other half of the pairs',
    source: 'nearest centroid, cross-fitted',
    ...from('couples', separability),
  },
  matchedMargin: {
    label: 'Matched − mismatched cosine',
    direction: 'higher',
    meaning: 'How much nearer matched pairs are than mismatched ones, in cosine.',
    range: [-2, 2],
    formula: 'mean cos(xᵢ, yᵢ) − mean cos(xᵢ, yⱼ), i ≠ j',
    source: 'difference of means',
    ...from('pairs', matchedMargin),
  },
  matchedAuc: {
    label: 'Matched above mismatched (AUC)',
    direction: 'higher',
    meaning: 'Chance that a matched pair is nearer than a mismatched one: 0.5 is guessing.',
    range: [0, 1],
    formula: 'P(cos(xᵢ, yᵢ) > cos(xⱼ, yₖ)), ties half',
    source: 'Hanley & McNeil 1982',
    ...from('couples', matchedAuc),
  },
  matchedOverlap: {
    label: 'Overlap of matched and mismatched',
    direction: 'lower',
    meaning: 'Share of cosines on the wrong side of the best threshold: 0 apart, 1 alike.',
    range: [0, 1],
    formula: '1 − largest difference of the two distribution functions',
    source: 'Youden 1950; Inman & Bradley 1989',
    ...from('couples', matchedOverlap),
  },
  recallImageToText: {
    label: 'Recall@1, image to text',
    direction: 'higher',
    meaning: 'How often the nearest caption of an image is its own.',
    range: [0, 1],
    formula: 'mean of [yᵢ is the nearest text of xᵢ]',
    source: 'ties in expectation',
    ...from('pool', recallImageToText(1)),
  },
  recallTextToImage: {
    label: 'Recall@1, text to image',
    direction: 'higher',
    meaning: 'How often the nearest image of a caption is its own.',
    range: [0, 1],
    formula: 'mean of [xᵢ is the nearest image of yᵢ]',
    source: 'ties in expectation',
    ...from('pool', recallTextToImage(1)),
  },
  recallMixed: {
    label: 'Recall@1 in a mixed pool',
    direction: 'higher',
    meaning: 'How often the nearest of all images and texts is the own partner: a gap costs most here.',
    range: [0, 1],
    formula: 'mean over xᵢ and yᵢ of [the partner is nearest of all 2n − 1 others]',
    source: 'arXiv 2507.19054; ties in expectation',
    ...from('pool', recallMixed(1)),
  },
  ndcgMixed: {
    label: 'nDCG@10 in a mixed pool',
    direction: 'higher',
    meaning: 'The same for the first ten: 1 when the partner comes first, less the later it comes.',
    range: [0, 1],
    formula: 'mean over xᵢ and yᵢ of 1 / log₂(1 + rank of the partner), 0 behind rank 10',
    source: 'Järvelin & Kekäläinen 2002; arXiv 2507.19054',
    ...from('pool', ndcgMixed(10)),
  },
  alignment: {
    label: 'Alignment (squared distance)',
    direction: 'lower',
    meaning: 'Mean squared distance of matched pairs: 0 when they coincide.',
    range: [0, 4],
    formula: 'E‖xᵢ − yᵢ‖²',
    source: 'Wang & Isola 2020',
    ...from('pairs', alignment),
  },
  centredAlignment: {
    label: 'Alignment after centring',
    direction: 'lower',
    meaning: 'The same after moving both means together: what remains is no shift.',
    range: [0, 4],
    formula: 'E‖xᵢ − yᵢ‖² − ‖mean of images − mean of texts‖²',
    source: 'Wang & Isola 2020, less the centroid gap squared',
    ...from('pairs', centredAlignment),
  },
  uniformityImages: {
    label: 'Uniformity, images',
    direction: 'lower',
    meaning: 'How evenly images fill the sphere: lower is more even.',
    range: [-8, 0],
    formula: 'log E exp(−2‖x − x′‖²)',
    source: 'Wang & Isola 2020',
    ...from('couples', uniformityOfImages),
  },
  uniformityTexts: {
    label: 'Uniformity, texts',
    direction: 'lower',
    meaning: 'How evenly texts fill the sphere: lower is more even.',
    range: [-8, 0],
    formula: 'log E exp(−2‖y − y′‖²)',
    source: 'Wang & Isola 2020',
    ...from('couples', uniformityOfTexts),
  },
  linearCka: {
    label: 'Linear CKA',
    direction: 'higher',
    meaning: 'Whether images and texts have the same geometry, up to rotation and scale.',
    range: [-1, 1],
    formula: 'HSIC(X, Y) / √(HSIC(X, X) · HSIC(Y, Y)), unbiased',
    source: 'Kornblith et al. 2019; Song et al. 2012',
    ...from('couples', linearCka),
  },
  procrustes: {
    label: 'Procrustes residual',
    direction: 'lower',
    meaning: 'Part of the texts that no rotation of the images explains: 0 when one set is the other turned.',
    range: [0, 1],
    formula: '1 − (Σ xᵢR·yᵢ)² / (Σ‖xᵢ‖² · Σ‖yᵢ‖²), centred, R of the other half of the pairs',
    source: 'Schönemann 1966; Gower 1975',
    ...from('halves', procrustes),
  },
  mutualNeighbours: {
    label: 'Mutual 10 nearest neighbours',
    direction: 'higher',
    meaning: 'Share of neighbours that an item has in both modalities.',
    range: [0, 1],
    formula: 'mean of |10 nearest of xᵢ ∩ 10 nearest of yᵢ| / 10',
    source: 'Huh et al. 2024',
    ...from('pool', mutualNeighbours),
  },
  effectiveRankImages: {
    label: 'Effective rank, images',
    direction: 'neutral',
    meaning: 'In how many directions images really vary.',
    range: [0, Number.POSITIVE_INFINITY],
    formula: 'tr(Σ)² / tr(Σ²), unbiased',
    source: 'participation ratio of the covariance',
    ...from('couples', effectiveRankOfImages),
  },
  effectiveRankTexts: {
    label: 'Effective rank, texts',
    direction: 'neutral',
    meaning: 'In how many directions texts really vary.',
    range: [0, Number.POSITIVE_INFINITY],
    formula: 'tr(Σ)² / tr(Σ²), unbiased',
    source: 'participation ratio of the covariance',
    ...from('couples', effectiveRankOfTexts),
  },
  anisotropyImages: {
    label: 'Anisotropy, images',
    direction: 'lower',
    meaning: 'Mean cosine of two images: near 1 in a narrow cone, 0 when they point everywhere.',
    range: [-1, 1],
    formula: 'E cos(x, x′)',
    source: 'Ethayarajh 2019',
    ...from('pairs', anisotropyOfImages),
  },
  anisotropyTexts: {
    label: 'Anisotropy, texts',
    direction: 'lower',
    meaning: 'Mean cosine of two texts: near 1 in a narrow cone, 0 when they point everywhere.',
    range: [-1, 1],
    formula: 'E cos(y, y′)',
    source: 'Ethayarajh 2019',
    ...from('pairs', anisotropyOfTexts),
  },
  hubness: {
    label: 'Hubness of texts (skewness)',
    direction: 'lower',
    meaning: 'Whether a few texts are the neighbours of everything: high is bad for retrieval.',
    range: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
    formula: 'E(N − mean N)³ / (E(N − mean N)²)^1.5, N = images that have the text among their 10 nearest',
    source: 'Radovanović et al. 2010',
    ...from('pool', hubnessOfTexts),
  },
  hubnessImages: {
    label: 'Hubness of images (skewness)',
    direction: 'lower',
    meaning: 'Whether a few images are the neighbours of every text.',
    range: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
    formula: 'the same, N = texts that have the image among their 10 nearest',
    source: 'Radovanović et al. 2010',
    ...from('pool', hubnessOfImages),
  },
} as const satisfies Record<string, Measure>

export type MeasureName = keyof typeof measures

/** All names, in the order of the registry. */
export const measureNames: readonly MeasureName[] = Object.keys(measures).filter(
  (name): name is MeasureName => name in measures,
)

/**
 * One measure of paired vectors.
 * @throws as `unitPairs`
 * @example await measure('linearCka', { images, texts })
 */
export async function measure(name: MeasureName, pairs: Pairs): Promise<number> {
  await using products = new Products()
  const unit = unitPairs(pairs)
  const estimator = await measures[name].prepare(evidenceOf(unit, products))
  return estimator(wholeSample(unit.images.dims[0]!))
}
