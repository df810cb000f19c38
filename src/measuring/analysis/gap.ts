/** @file Measures of the distance between image vectors and text vectors as two sets. */

import { areaUnderRoc, mean } from '../../foundation/numeric/statistics.ts'
import type { PairGeometry, PairSet } from './geometry.ts'
import { coupleMean, coupleMeanFrom, type Estimator, pairMean, type Sample } from './sample.ts'

/**
 * Distance of the two centroids ‖μ_image − μ_text‖, 0 to 2 (Liang et al. 2022, "Mind the Gap"): the
 * *centroid* part of the gap. The means are of finitely many vectors, so two equal distributions
 * give about √(2 / pairs), not 0.
 */
export function modalityGap(geometry: PairSet): Estimator {
  return (sample) => Math.sqrt(centroidGapSquared(geometry, sample))
}

/**
 * ‖μ_image − μ_text‖² = mean of image products − 2 × cross products + text products, copies
 * included: they are part of the means.
 */
function centroidGapSquared({ centroids }: PairSet, sample: Sample): number {
  const { imageImage, imageText, textText } = centroids(sample)
  return Math.max(
    0,
    pairMean(imageImage, sample) - 2 * pairMean(imageText, sample) + pairMean(textText, sample),
  )
}

/**
 * The *distribution* part of the gap: the distance that is left when each modality is moved to its
 * own centroid. Energy distance between the centred sets, 2E‖x−y‖ − E‖x−x′‖ − E‖y−y′‖, divided by
 * 2E‖x−y‖ (Székely & Rizzo 2013): 0 when the sets differ by a shift only, up to 1. Over distinct
 * pairs, so sampling noise can carry it slightly below 0. arXiv 2604.00279 separates the two parts
 * of the gap; that what is left after centring be measured by energy distance is our choice: it
 * needs no density, is 0 for equal shapes only, and uses nothing but products.
 */
export function distributionGap(geometry: PairGeometry): Estimator {
  const { count, image, text, cross, centroids } = geometry
  const imageDistance = image.map(chord)
  const textDistance = text.map(chord)
  const spread = centredAlignment(geometry)
  return (sample) => {
    const { weights, active, total, couples } = sample
    const { imageImage, imageText, textImage, textText } = centroids(sample)
    // Centroids of finitely many vectors follow their vectors: squared distances between the
    // centred sets come out too small by the variance of the centroids' difference (1 / (2 × pairs)
    // of the gap). Given back here, or equal distributions would not give 0.
    const followed = spread(sample) * ((total * total) / couples - 1)
    const constant = 2 + centroidGapSquared(geometry, sample) + followed
    let sum = 0
    for (const i of active) {
      const offset = i * count
      const ofImage = constant - 2 * (imageImage[i]! - imageText[i]!)
      let row = 0
      for (let b = 0; b < active.length; b++) {
        const j = active[b]!
        if (i === j) continue
        row +=
          weights[j]! *
          Math.sqrt(Math.max(0, ofImage + 2 * (textImage[j]! - textText[j]! - cross[offset + j]!)))
      }
      sum += weights[i]! * row
    }
    const between = (2 * sum) / couples
    const within = coupleMean(imageDistance, sample) + coupleMean(textDistance, sample)
    return between > NO_DISTANCE ? (between - within) / between : 0
  }
}

/** Distances below this are the rounding of equal cosines. */
const NO_DISTANCE = 2e-3
/** The same of 1 − cosine. */
const NO_COSINE = 1e-6

/** Squared distances below this are the rounding of a cosine of equal vectors. */
const EQUAL = 2 ** -21

/** Euclidean distance of two unit vectors from their cosine. */
function chord(cosine: number): number {
  const squared = 2 - 2 * cosine
  return squared > EQUAL ? Math.sqrt(squared) : 0
}

/**
 * Relative modality gap, 0 to 1 (Schrodi et al. 2025, "Two Effects, One Trigger"): mean matched
 * cosine distance, divided by itself plus the mean distance within the modalities. 0: matched
 * vectors coincide; ½: as far as two random ones of a modality; 1: each modality is a point. NaN
 * where all vectors are one.
 */
export function relativeGap({ matched, imageSquares, textSquares, centroids }: PairSet): Estimator {
  return (sample) => {
    const across = 1 - pairMean(matched, sample)
    const { imageImage, textText } = centroids(sample)
    const within =
      1 -
      (coupleMeanFrom(imageImage, imageSquares, sample) + coupleMeanFrom(textText, textSquares, sample)) / 2
    const all = across + within
    return all > NO_COSINE ? across / all : Number.NaN
  }
}

/**
 * AUC of telling image from text by the inner product with the difference of the centroids: 0.5
 * when that axis says nothing, 1 when a plane separates the modalities. Cross-fitted: pairs of one
 * half are scored on the axis of the other, as vectors look separable along an axis that was fitted
 * to them.
 */
export function separability({ count, image, text, cross, half }: PairGeometry): Estimator {
  return ({ weights, active }) => {
    const folds = [0, 1].map((side) => active.filter((i) => half[i] === side))
    const areas = folds.map((scored, fold) => {
      const fitted = folds[1 - fold]!
      if (scored.length === 0 || fitted.length === 0) return Number.NaN
      const imageScores = new Float64Array(scored.length)
      const textScores = new Float64Array(scored.length)
      for (const [at, i] of scored.entries()) {
        for (const j of fitted) {
          const weight = weights[j]!
          imageScores[at] = imageScores[at]! + weight * (image[i * count + j]! - cross[i * count + j]!)
          textScores[at] = textScores[at]! + weight * (cross[j * count + i]! - text[i * count + j]!)
        }
      }
      const drawn = Float64Array.from(scored, (i) => weights[i]!)
      return areaUnderRoc({ scores: imageScores, weights: drawn }, { scores: textScores, weights: drawn })
    })
    return mean(areas)
  }
}

/**
 * Mean squared distance of matched vectors after each modality was moved to its centroid: alignment
 * − (centroid gap)², exactly. No shift can remove this part.
 */
export function centredAlignment(geometry: PairSet): Estimator {
  const { matched } = geometry
  return (sample) => 2 - 2 * pairMean(matched, sample) - centroidGapSquared(geometry, sample)
}
