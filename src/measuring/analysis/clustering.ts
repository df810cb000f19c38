/** @file Whether clusters of images and texts together agree with labels. */

import { type Interval, weightedReplicates } from '../../foundation/numeric/bootstrap.ts'
import { clusterAgreement, kMeans } from '../../foundation/numeric/clustering.ts'
import { shuffle, stream } from '../../foundation/numeric/random.ts'
import { joined } from '../../foundation/numeric/rows.ts'
import { type Pairs, selected } from './pairs.ts'

/** Pairs of a clustering at most: its time grows with pairs times labels. */
const MOST = 500
/** Runs of k-means. */
const STARTS = 3
const RESAMPLES = 300

/** Labels and clusters of some pairs: of their images, then of their texts. */
export interface Clustered {
  /** `[pairs]` what is drawn together. */
  readonly drawnTogether: readonly string[]
  /** `[pairs]` */
  readonly labels: readonly string[]
  /** `[2 · pairs]` */
  readonly clusters: Int32Array
}

/**
 * Clusters images and texts together, with as many clusters as there are labels.
 * @returns undefined where all have one label: every clustering agrees with it
 * @param labels   `[pairs]` @param clusters `[pairs]` what is drawn together in a resample
 */
export function clusteringOf(
  pairs: Pairs,
  labels: readonly string[],
  clusters: readonly string[],
  seed: number,
): Clustered | undefined {
  const rows = shuffle(
    labels.map((_, i) => i),
    stream(seed, 'clustered pairs'),
  ).slice(0, MOST)
  const own = rows.map((row) => labels[row]!)
  if (new Set(own).size < 2) return undefined
  const { images, texts } = selected(pairs, rows)
  const made = kMeans(joined([images, texts])!, new Set(own).size, { seed, starts: STARTS })
  return { drawnTogether: rows.map((row) => clusters[row]!), labels: own, clusters: made.clusters }
}

/** V-measure with its interval, and its difference to another clustering of the same pairs. */
export function clusteringScores(
  clustered: Clustered,
  base: Clustered | undefined,
  seed: number,
): { interval: Interval; difference: Interval | null } {
  const { drawnTogether, labels } = clustered
  const count = labels.length
  const score = ({ clusters }: Clustered, weights: Float64Array) => {
    const [names, found]: [string[], number[]] = [[], []]
    for (let i = 0; i < count; i++) {
      for (let copy = 0; copy < weights[i]!; copy++) {
        names.push(labels[i]!, labels[i]!)
        found.push(clusters[i]!, clusters[count + i]!)
      }
    }
    return clusterAgreement(names, found).vMeasure
  }
  const [interval, difference] = weightedReplicates(
    drawnTogether,
    (weights) => {
      const own = score(clustered, weights)
      return base === undefined ? [own] : [own, own - score(base, weights)]
    },
    { seed, resamples: RESAMPLES },
  )
  return { interval: interval!, difference: difference ?? null }
}
