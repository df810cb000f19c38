/**
 * @file Measures of the spread of each modality, and of the likeness of their arrangement.
 */

import { coupleMean, coupleMeanFrom, type Estimator, type PairGeometry, pairMean } from './geometry.ts'
import { hsic } from './hsic.ts'

/**
 * log E exp(−2‖x − x′‖²) over images: −8 to 0, lower is more even (Wang & Isola 2020, uniformity
 * with t = 2).
 */
export function uniformityOfImages({ image }: PairGeometry): Estimator {
  return uniformity(image)
}

/** The same over texts. */
export function uniformityOfTexts({ text }: PairGeometry): Estimator {
  return uniformity(text)
}

function uniformity(cosines: Float32Array): Estimator {
  const kernel = cosines.map((cosine) => Math.exp(4 * cosine - 4))
  return (sample) => Math.log(coupleMean(kernel, sample))
}

/**
 * Linear CKA, about 0 to 1 (Kornblith et al. 2019): ‖Cov(image, text)‖² / (‖Cov(image)‖
 * ‖Cov(text)‖), 1 when one set is the other turned and scaled. From the unbiased estimator of HSIC
 * (Song et al. 2012), as the plain one nears 1 for any two sets of few vectors in many dimensions;
 * so independent sets give 0 on average, and single figures can be slightly negative.
 */
export function linearCka({ count, image, text, covariances }: PairGeometry): Estimator {
  return (sample) => {
    const scale = covariances(sample).image * covariances(sample).text
    return scale > 0 ? hsic(image, text, count, sample) / Math.sqrt(scale) : Number.NaN
  }
}

/**
 * Effective rank of the image vectors, from 1: tr(Σ)² / tr(Σ²) of their covariance Σ, the
 * participation ratio, both parts unbiased. An isotropic cloud in d dimensions gives d; NaN when no
 * variance can be told from noise.
 */
export function effectiveRankOfImages({ image, centroids, covariances }: PairGeometry): Estimator {
  return (sample) =>
    participationRatio(coupleMeanFrom(centroids(sample).imageImage, image, sample), covariances(sample).image)
}

/** The same of the text vectors. */
export function effectiveRankOfTexts({ text, centroids, covariances }: PairGeometry): Estimator {
  return (sample) =>
    participationRatio(coupleMeanFrom(centroids(sample).textText, text, sample), covariances(sample).text)
}

/** The trace of the covariance of unit vectors is 1 − the mean cosine of two of them. */
function participationRatio(meanCosine: number, squaredCovariance: number): number {
  return squaredCovariance > 0 ? (1 - meanCosine) ** 2 / squaredCovariance : Number.NaN
}

/**
 * Mean share of common items among the `k` nearest images of an image and the `k` nearest texts of
 * its text (Huh et al. 2024, mutual k-nearest neighbours). Neighbours are taken among all pairs,
 * only the items asked about are resampled.
 */
export function mutualNeighbours(k: number): (geometry: PairGeometry) => Estimator {
  return ({ count, image, text }) => {
    const kept = Math.min(k, count - 1)
    const shares = Float64Array.from({ length: count }, (_, i) => {
      const ofImage = new Set(nearest(image, count, i, kept, i))
      return nearest(text, count, i, kept, i).filter((j) => ofImage.has(j)).length / kept
    })
    return (sample) => pairMean(shares, sample)
  }
}

/**
 * Skewness over texts of how many images have the text among their `k` nearest (Radovanović et al.
 * 2010): 0 when all texts are found equally often, large when a few hubs answer everything. Counts
 * are over all images; texts are resampled.
 */
export function hubness(k: number): (geometry: PairGeometry) => Estimator {
  return ({ count, cross }) => {
    const occurrences = new Float64Array(count)
    for (let i = 0; i < count; i++)
      for (const j of nearest(cross, count, i, Math.min(k, count))) occurrences[j] = occurrences[j]! + 1
    return (sample) => {
      const centre = pairMean(occurrences, sample)
      const variance = pairMean(
        occurrences.map((occurrence) => (occurrence - centre) ** 2),
        sample,
      )
      const third = pairMean(
        occurrences.map((occurrence) => (occurrence - centre) ** 3),
        sample,
      )
      return variance > 0 ? third / variance ** 1.5 : 0
    }
  }
}

/** The `k` largest entries of a row, `excluded` left out; of equal ones the earlier. */
function nearest(matrix: Float32Array, count: number, row: number, k: number, excluded?: number): number[] {
  const scores = matrix.subarray(row * count, (row + 1) * count)
  return Array.from({ length: count }, (_, j) => j)
    .filter((j) => j !== excluded)
    .sort((a, b) => scores[b]! - scores[a]! || a - b)
    .slice(0, k)
}
