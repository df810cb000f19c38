/** @file How vectors of each modality are spread, and whether both modalities are arranged alike. */

import { coupleMean, coupleMeanFrom, type Estimator, type PairGeometry, pairMean, type Sample } from './geometry.ts'

/** log E exp(−2‖x − x′‖²) over images: −8 to 0, lower is more even (Wang & Isola 2020, uniformity with t = 2). */
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
 * Linear CKA, about 0 to 1 (Kornblith et al. 2019): ‖Cov(image, text)‖² / (‖Cov(image)‖ ‖Cov(text)‖), 1 when one set is the other turned and
 * scaled. From the unbiased estimator of HSIC (Song et al. 2012), as the plain one nears 1 for any two sets of few vectors in many dimensions;
 * so independent sets give 0 on average, and single figures can be slightly negative.
 */
export function linearCka({ count, image, text }: PairGeometry): Estimator {
  return (sample) => {
    const scale = hsic(image, image, count, sample) * hsic(text, text, count, sample)
    return scale > 0 ? hsic(image, text, count, sample) / Math.sqrt(scale) : Number.NaN
  }
}

/**
 * Effective rank of the image vectors, from 1: tr(Σ)² / tr(Σ²) of their covariance Σ, the participation ratio, both parts unbiased.
 * An isotropic cloud in d dimensions gives d; NaN when no variance can be told from noise.
 */
export function effectiveRankOfImages({ count, image, centroids }: PairGeometry): Estimator {
  return participationRatio(image, count, (sample) => centroids(sample).imageImage)
}

/** The same of the text vectors. */
export function effectiveRankOfTexts({ count, text, centroids }: PairGeometry): Estimator {
  return participationRatio(text, count, (sample) => centroids(sample).textText)
}

function participationRatio(cosines: Float32Array, count: number, products: (sample: Sample) => Float64Array): Estimator {
  return (sample) => {
    const squared = hsic(cosines, cosines, count, sample)
    const variance = 1 - coupleMeanFrom(products(sample), cosines, sample)
    return squared > 0 ? variance ** 2 / squared : Number.NaN
  }
}

/**
 * Unbiased HSIC of two symmetric kernels: E[K₁₂L₁₂] − 2 E[K₁₂L₁₃] + E[K₁₂L₃₄] over distinct items (Song et al. 2012, eq. 4–5; for linear kernels the
 * squared Frobenius norm of the cross-covariance). With weights, each of the three is a mean over distinct items weighted by the product of
 * their weights, in closed form by inclusion and exclusion; weights of 1 give Song's estimator.
 * @param first  `[count, count]`
 * @param second `[count, count]`
 */
export function hsic(first: Float32Array, second: Float32Array, count: number, { weights, active, total, couples }: Sample): number {
  const moments = { joint: 0, firstSum: 0, secondSum: 0, chains: 0, weightedChains: 0, doubled: 0 }
  // The same sums with both kernels equal to 1: what the weighted sums are divided by.
  const counts = { chains: 0, weightedChains: 0, doubled: 0 }
  const squares = total * total - couples
  for (const i of active) {
    const weight = weights[i]!
    const offset = i * count
    let firstRow = 0
    let secondRow = 0
    let joint = 0
    let doubled = 0
    for (let c = 0; c < active.length; c++) {
      const j = active[c]!
      if (i === j) continue
      const other = weights[j]!
      const a = first[offset + j]!
      const b = second[offset + j]!
      const product = other * a * b
      firstRow += other * a
      secondRow += other * b
      joint += product
      doubled += other * product
    }
    const chains = firstRow * secondRow - doubled
    moments.joint += weight * joint
    moments.firstSum += weight * firstRow
    moments.secondSum += weight * secondRow
    moments.chains += weight * chains
    moments.weightedChains += weight * weight * chains
    moments.doubled += weight * weight * doubled

    const otherSquares = squares - weight * weight
    const possible = (total - weight) ** 2 - otherSquares
    counts.chains += weight * possible
    counts.weightedChains += weight * weight * possible
    counts.doubled += weight * weight * otherSquares
  }
  // Couples (i, j), (q, r) without a common item: all of them, less four ways to share one, less two ways to share both.
  const disjoint = moments.firstSum * moments.secondSum - 4 * moments.weightedChains - 2 * moments.doubled
  const disjointCount = couples * couples - 4 * counts.weightedChains - 2 * counts.doubled
  return moments.joint / couples - (2 * moments.chains) / counts.chains + disjoint / disjointCount
}

/**
 * Mean share of common items among the `k` nearest images of an image and the `k` nearest texts of its text (Huh et al. 2024, mutual k-nearest
 * neighbours). Neighbours are taken among all pairs, only the items asked about are resampled.
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
 * Skewness over texts of how many images have the text among their `k` nearest (Radovanović et al. 2010): 0 when all texts are found
 * equally often, large when a few hubs answer everything. Counts are over all images; texts are resampled.
 */
export function hubness(k: number): (geometry: PairGeometry) => Estimator {
  return ({ count, cross }) => {
    const occurrences = new Float64Array(count)
    for (let i = 0; i < count; i++) for (const j of nearest(cross, count, i, Math.min(k, count))) occurrences[j] = occurrences[j]! + 1
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
