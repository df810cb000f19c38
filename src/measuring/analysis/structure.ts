/**
 * @file Measures of the spread of each modality, and of the likeness of their arrangement.
 */

import type { PairGeometry, PairSet } from './geometry.ts'
import { hsic } from './hsic.ts'
import type { Pool } from './pool.ts'
import type { Turned } from './rotation.ts'
import { coupleMean, coupleMeanFrom, type Estimator, pairMean } from './sample.ts'

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

/** Squared norms of covariances below this are the rounding of equal cosines. */
const NO_SPREAD = 1e-13

/**
 * Linear CKA, about 0 to 1 (Kornblith et al. 2019): ‖Cov(image, text)‖² / (‖Cov(image)‖
 * ‖Cov(text)‖), 1 when one set is the other turned and scaled. From the unbiased estimator of HSIC
 * (Song et al. 2012), as the plain one nears 1 for any two sets of few vectors in many dimensions;
 * so independent sets give 0 on average, and single figures can be slightly negative.
 */
export function linearCka({ count, image, text, covariances }: PairGeometry): Estimator {
  return (sample) => {
    const { image: ofImages, text: ofTexts } = covariances(sample)
    if (!(Math.min(ofImages, ofTexts) > NO_SPREAD)) return Number.NaN
    return hsic(image, text, count, sample) / Math.sqrt(ofImages * ofTexts)
  }
}

/**
 * Effective rank of the image vectors, from 1: tr(Σ)² / tr(Σ²) of their covariance Σ, the
 * participation ratio, both parts unbiased. An isotropic cloud in d dimensions gives d; NaN when no
 * variance can be told from noise.
 */
export function effectiveRankOfImages(geometry: PairGeometry): Estimator {
  const cosine = anisotropyOfImages(geometry)
  return (sample) => participationRatio(cosine(sample), geometry.covariances(sample).image)
}

/** The same of the text vectors. */
export function effectiveRankOfTexts(geometry: PairGeometry): Estimator {
  const cosine = anisotropyOfTexts(geometry)
  return (sample) => participationRatio(cosine(sample), geometry.covariances(sample).text)
}

/**
 * Mean cosine of two images, −1 to 1 (Ethayarajh 2019): 0 where vectors point everywhere, near 1
 * where they fill a narrow cone.
 */
export function anisotropyOfImages({ imageSquares, centroids }: PairSet): Estimator {
  return (sample) => coupleMeanFrom(centroids(sample).imageImage, imageSquares, sample)
}

/** The same of texts. */
export function anisotropyOfTexts({ textSquares, centroids }: PairSet): Estimator {
  return (sample) => coupleMeanFrom(centroids(sample).textText, textSquares, sample)
}

/** Mean squares below this are the rounding of equal vectors. */
const NO_VARIANCE = 1e-12

/**
 * Share of the texts' variance that the images do not explain after the best rotation and one
 * scale, 0 to 1 (Procrustes distance; Schönemann 1966, Gower 1975). Each half of the pairs is
 * turned by the rotation of the other half: in many dimensions a rotation fits its own pairs
 * whatever they are.
 */
export function procrustes({ matched, imageSquares, textSquares }: Turned): Estimator {
  return (sample) => {
    const scale = Math.sqrt(pairMean(imageSquares, sample) * pairMean(textSquares, sample))
    return scale > NO_VARIANCE ? 1 - Math.max(0, pairMean(matched, sample) / scale) ** 2 : Number.NaN
  }
}

/** The trace of the covariance of unit vectors is 1 − the mean cosine of two of them. */
function participationRatio(meanCosine: number, squaredCovariance: number): number {
  return squaredCovariance > NO_SPREAD ? (1 - meanCosine) ** 2 / squaredCovariance : Number.NaN
}

/**
 * Mean share of common items among the nearest images of an image and the nearest texts of its text
 * (Huh et al. 2024, mutual k-nearest neighbours). Neighbours are taken among all pairs, only the
 * items asked about are resampled. Ties in expectation: of vectors that are all equal the share is
 * that of chance.
 */
export function mutualNeighbours({ shared }: Pool): Estimator {
  return (sample) => pairMean(shared, sample)
}

/**
 * Skewness over texts of how many images have the text among their nearest (Radovanović et al.
 * 2010): 0 when all texts are found equally often, large when a few hubs answer everything. Counts
 * are over all images; texts are resampled.
 */
export function hubnessOfTexts({ texts }: Pool): Estimator {
  return skewness(texts.occurrences)
}

/** The same over images, which texts look for. */
export function hubnessOfImages({ images }: Pool): Estimator {
  return skewness(images.occurrences)
}

/** Counts that are shares of ties are equal up to rounding; its variance is below this. */
const ROUNDING = 1e-12

function skewness(values: Float64Array): Estimator {
  return (sample) => {
    const centre = pairMean(values, sample)
    const power = (exponent: number) =>
      pairMean(
        values.map((value) => (value - centre) ** exponent),
        sample,
      )
    const variance = power(2)
    return variance > ROUNDING ? power(3) / variance ** 1.5 : 0
  }
}
