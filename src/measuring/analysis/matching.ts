/** @file Measures that compare an image's own text with the texts of other images. */

import { hitAt, rank } from '../../foundation/numeric/ranking.ts'
import { coupleMeanFrom, type Estimator, matchedCosines, type PairGeometry, pairMean } from './geometry.ts'

/** Mean matched cosine − mean mismatched cosine, −2 to 2. */
export function matchedMargin(geometry: PairGeometry): Estimator {
  const matched = matchedCosines(geometry)
  return (sample) =>
    pairMean(matched, sample) - coupleMeanFrom(geometry.centroids(sample).imageText, geometry.cross, sample)
}

/** Mean squared distance of matched vectors, 0 to 4 (Wang & Isola 2020, alignment with α = 2). */
export function alignment(geometry: PairGeometry): Estimator {
  const matched = matchedCosines(geometry)
  return (sample) => 2 - 2 * pairMean(matched, sample)
}

/**
 * Probability that a matched cosine exceeds a mismatched one, ties half, over all couples
 * (Mann–Whitney): one threshold for all images, so an image whose cosines are all high costs
 * something here and nothing in recall.
 */
export function matchedAuc(geometry: PairGeometry): Estimator {
  const { count, cross } = geometry
  const matched = matchedCosines(geometry)
  const levels = Float64Array.from(new Set(matched)).sort()
  // Twice the number of levels below a cosine, plus 1 if it equals the next: a resample then needs
  // a histogram, not a sort.
  const place = (cosine: number) => {
    let low = 0
    let high = levels.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (levels[middle]! < cosine) low = middle + 1
      else high = middle
    }
    return 2 * low + (levels[low] === cosine ? 1 : 0)
  }
  const places = Uint32Array.from(cross, place)
  return ({ weights, active, total, couples }) => {
    const mismatched = new Float64Array(2 * levels.length + 1)
    const drawn = new Float64Array(levels.length)
    for (const i of active) {
      const weight = weights[i]!
      const own = (places[i * count + i]! - 1) / 2
      drawn[own] = drawn[own]! + weight
      for (let b = 0; b < active.length; b++) {
        const j = active[b]!
        if (i === j) continue
        const at = places[i * count + j]!
        mismatched[at] = mismatched[at]! + weight * weights[j]!
      }
    }
    let below = 0
    let won = 0
    for (let level = 0; level < levels.length; level++) {
      below += mismatched[2 * level]!
      won += drawn[level]! * (below + mismatched[2 * level + 1]! / 2)
      below += mismatched[2 * level + 1]!
    }
    return won / (total * couples)
  }
}

/**
 * Share of images whose own text is among the `k` nearest of all texts, ties in expectation. The
 * gallery stays whole in a resample, only the queries are drawn: in a resampled gallery near rivals
 * are missing (37 % of them), and recall would rise for no reason.
 */
export function recallImageToText(k: number): (geometry: PairGeometry) => Estimator {
  return ({ count, cross }) => {
    const hits = Float64Array.from({ length: count }, (_, i) =>
      hitAt(k, rank({ scores: cross.subarray(i * count, (i + 1) * count), positives: [i] })),
    )
    return (sample) => pairMean(hits, sample)
  }
}

/**
 * Share of texts whose own image is among the `k` nearest of all images; as `recallImageToText`.
 */
export function recallTextToImage(k: number): (geometry: PairGeometry) => Estimator {
  return ({ count, cross }) => {
    const column = new Float32Array(count)
    const hits = Float64Array.from({ length: count }, (_, j) => {
      for (let i = 0; i < count; i++) column[i] = cross[i * count + j]!
      return hitAt(k, rank({ scores: column, positives: [j] }))
    })
    return (sample) => pairMean(hits, sample)
  }
}
