/** @file Measures that compare an image's own text with the texts of other images. */

import { hitAt, ndcgAt, type Ranking } from '../../foundation/numeric/ranking.ts'
import type { PairGeometry, PairSet } from './geometry.ts'
import type { Pairs } from './pairs.ts'
import { type Pool, placesAmong, rankingAt } from './pool.ts'
import type { Products } from './products.ts'
import { coupleMeanFrom, type Estimator, pairMean, type Sample } from './sample.ts'

/** Mean matched cosine − mean mismatched cosine, −2 to 2. */
export function matchedMargin({ matched, centroids }: PairSet): Estimator {
  return (sample) => pairMean(matched, sample) - coupleMeanFrom(centroids(sample).imageText, matched, sample)
}

/** Mean squared distance of matched vectors, 0 to 4 (Wang & Isola 2020, alignment with α = 2). */
export function alignment({ matched }: PairSet): Estimator {
  return (sample) => 2 - 2 * pairMean(matched, sample)
}

/**
 * Probability that a matched cosine exceeds a mismatched one, ties half, over all couples
 * (Mann–Whitney): one threshold for all images, so an image whose cosines are all high costs
 * something here and nothing in recall.
 */
export function matchedAuc(geometry: PairGeometry): Estimator {
  const levelled = levelledCosines(geometry)
  return (sample) => {
    const { drawn, mismatched } = levelled(sample)
    let below = 0
    let won = 0
    for (let level = 0; level < drawn.length; level++) {
      below += mismatched[2 * level]!
      won += drawn[level]! * (below + mismatched[2 * level + 1]! / 2)
      below += mismatched[2 * level + 1]!
    }
    return won / (sample.total * sample.couples)
  }
}

/** Weights of cosines by the levels of the matched ones. */
interface Levelled {
  /** `[levels]` of the matched cosines of each level, from low to high. */
  readonly drawn: Float64Array
  /** `[2 · levels + 1]` of the mismatched: below a level, equal to it, …, above all. */
  readonly mismatched: Float64Array
}

/** A resample then needs a histogram, not a sort. */
function levelledCosines({ count, cross, matched }: PairGeometry): (sample: Sample) => Levelled {
  const levels = Float64Array.from(new Set(matched)).sort()
  // Twice the number of levels below a cosine, plus 1 if it equals the next.
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
  return ({ weights, active }) => {
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
    return { drawn, mismatched }
  }
}

/**
 * Share of matched and of mismatched cosines that the best threshold leaves on the wrong side: 1 −
 * the largest difference of the two distribution functions (the statistic of Kolmogorov and
 * Smirnov, Youden's J). Equal to the common area of the two densities where these cross once (Inman
 * & Bradley 1989); unlike that area it needs no bandwidth.
 */
export function matchedOverlap(geometry: PairGeometry): Estimator {
  const levelled = levelledCosines(geometry)
  return (sample) => {
    const { drawn, mismatched } = levelled(sample)
    let [matchedBelow, mismatchedBelow, largest] = [0, 0, 0]
    for (let level = 0; level < drawn.length; level++) {
      const apart = () => Math.abs(matchedBelow / sample.total - mismatchedBelow / sample.couples)
      mismatchedBelow += mismatched[2 * level]!
      largest = Math.max(largest, apart())
      mismatchedBelow += mismatched[2 * level + 1]!
      matchedBelow += drawn[level]!
      largest = Math.max(largest, apart())
    }
    return 1 - largest
  }
}

/**
 * Share of images whose own text is among the `k` nearest of all texts, ties in expectation.
 */
export function recallImageToText(k: number): (pool: Pool) => Estimator {
  return (pool) => meanOf(foundTexts(pool, k))
}

/** Share of texts whose own image is among the `k` nearest of all images. */
export function recallTextToImage(k: number): (pool: Pool) => Estimator {
  return (pool) => meanOf(foundImages(pool, k))
}

/** The mean of `recall@k` of images and of texts that look for their partner among both. */
export function recallMixed(k: number): (pool: Pool) => Estimator {
  return (pool) => meanOf(foundMixed(pool, k))
}

/** The same of nDCG@k: 1 / log₂(1 + rank of the partner), 0 behind the first `k`. */
export function ndcgMixed(k: number): (pool: Pool) => Estimator {
  return (pool) => meanOf(gainedMixed(pool, k))
}

/** `[count]` for each image, whether its text is among the `k` nearest. */
export function foundTexts({ count, images }: Pool, k: number): Float64Array {
  return Float64Array.from({ length: count }, (_, row) => hitAt(k, rankingAt(images.other, row)))
}

/** `[count]` for each text, whether its image is among the `k` nearest. */
export function foundImages({ count, texts }: Pool, k: number): Float64Array {
  return Float64Array.from({ length: count }, (_, row) => hitAt(k, rankingAt(texts.other, row)))
}

/** `[count]` the mean of both ways in the mixed pool. */
export function foundMixed(pool: Pool, k: number): Float64Array {
  return mixed(pool, (ranking) => hitAt(k, ranking))
}

/** `[count]` the mean nDCG@k of both ways in the mixed pool. */
export function gainedMixed(pool: Pool, k: number): Float64Array {
  return mixed(pool, (ranking) => ndcgAt(k, ranking))
}

function mixed({ count, images, texts }: Pool, score: (ranking: Ranking) => number): Float64Array {
  return Float64Array.from(
    { length: count },
    (_, row) => (score(rankingAt(images.mixed, row)) + score(rankingAt(texts.mixed, row))) / 2,
  )
}

function meanOf(scores: Float64Array): Estimator {
  return (sample) => pairMean(scores, sample)
}

/**
 * `[count]` the mean of `foundTexts` and `foundImages` at 1, without the other parts of a pool.
 * @param pairs of unit vectors, or zeros
 */
export async function foundBothWays({ images, texts }: Pairs, products: Products): Promise<Float64Array> {
  const [there, back] = [
    await placesAmong(images, texts, products),
    await placesAmong(texts, images, products),
  ]
  return Float64Array.from(
    { length: there.above.length },
    (_, row) => (hitAt(1, rankingAt(there, row)) + hitAt(1, rankingAt(back, row))) / 2,
  )
}
