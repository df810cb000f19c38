/** @file Clusters of vectors, and how well they agree with labels. */

import { shapeOf } from './linear.ts'
import { below, type Random, stream } from './random.ts'
import { requireFinite, requireSameLength, StatisticsError } from './statistics.ts'
import type { Tensor } from './tensor.ts'

export interface KMeansOptions {
  seed: number
  /** Runs from different starts; the one with the least inertia is kept. Default 10. */
  starts?: number
  /** Rounds of a run at most; default 300. */
  rounds?: number
}

export interface Clustering {
  /** `[rows]` the cluster of each row, 0 … k − 1. */
  readonly clusters: Int32Array
  /** Sum of squared distances of the rows to the centre of their cluster. */
  readonly inertia: number
}

/**
 * k-means (Lloyd 1982) from starts by k-means++ (Arthur & Vassilvitskii 2007). Seeded: the same
 * rows and options give the same clusters. A cluster that loses all rows takes the row that is
 * furthest from its centre.
 * @param matrix `[rows, dim]`
 * @param k number of clusters, 1 to `rows`
 * @throws StatisticsError `statistics/empty`, `statistics/not-finite`, `statistics/clusters`
 */
export function kMeans(matrix: Tensor<'f32'>, k: number, options: KMeansOptions): Clustering {
  const { rows } = shapeOf(matrix)
  requireFinite(matrix.data, 'vectors to cluster')
  if (!(Number.isInteger(k) && k >= 1 && k <= rows)) {
    throw new StatisticsError('clusters', {
      message: `${rows} vectors cannot make ${k} clusters`,
      hint: 'Ask for as many clusters as there are classes, at most one for each vector.',
    })
  }
  const { seed, starts = 10, rounds = 300 } = options
  let best: Clustering | undefined
  for (let start = 0; start < starts; start++) {
    const made = lloyd(matrix, firstCentres(matrix, k, stream(seed, 'k-means', start)), rounds)
    if (best === undefined || made.inertia < best.inertia) best = made
  }
  return best!
}

/** `[k, dim]` k-means++: each next centre is a row drawn in proportion to its squared distance. */
function firstCentres(matrix: Tensor<'f32'>, k: number, random: Random): Float64Array {
  const { rows, dim } = shapeOf(matrix)
  const centres = new Float64Array(k * dim)
  const nearest = new Float64Array(rows).fill(Number.POSITIVE_INFINITY)
  let chosen = below(rows, random)
  for (let c = 0; ; c++) {
    centres.set(matrix.data.subarray(chosen * dim, (chosen + 1) * dim), c * dim)
    if (c + 1 === k) return centres
    let total = 0
    for (let row = 0; row < rows; row++) {
      nearest[row] = Math.min(nearest[row]!, squaredDistance(matrix.data, row, centres, c, dim))
      total += nearest[row]!
    }
    let left = random() * total
    chosen = 0
    // The last row with a distance stands for what rounding leaves over.
    for (let row = 0; row < rows && left >= 0; row++) {
      if (nearest[row] === 0) continue
      chosen = row
      left -= nearest[row]!
    }
  }
}

function lloyd(matrix: Tensor<'f32'>, centres: Float64Array, rounds: number): Clustering {
  const { rows, dim } = shapeOf(matrix)
  const k = centres.length / dim
  const clusters = new Int32Array(rows).fill(-1)
  const distances = new Float64Array(rows)
  for (let round = 0; ; round++) {
    const moved = assign(matrix, centres, clusters, distances)
    if (!moved || round === rounds)
      return { clusters, inertia: distances.reduce((sum, distance) => sum + distance, 0) }
    const sizes = new Float64Array(k)
    centres.fill(0)
    for (let row = 0; row < rows; row++) {
      const cluster = clusters[row]!
      sizes[cluster] = sizes[cluster]! + 1
      for (let d = 0; d < dim; d++)
        centres[cluster * dim + d] = centres[cluster * dim + d]! + matrix.data[row * dim + d]!
    }
    for (let cluster = 0; cluster < k; cluster++) {
      const from = cluster * dim
      if (sizes[cluster]! > 0)
        for (let d = 0; d < dim; d++) centres[from + d] = centres[from + d]! / sizes[cluster]!
      else {
        const furthest = distances.reduce((top, distance, row) => (distance > distances[top]! ? row : top), 0)
        distances[furthest] = 0
        centres.set(matrix.data.subarray(furthest * dim, (furthest + 1) * dim), from)
      }
    }
  }
}

/**
 * Moves each row to the nearest centre, the first of equally near ones.
 * @returns whether one moved
 */
function assign(
  { data }: Tensor<'f32'>,
  centres: Float64Array,
  clusters: Int32Array,
  distances: Float64Array,
): boolean {
  const dim = data.length / clusters.length
  let moved = false
  for (let row = 0; row < clusters.length; row++) {
    let cluster = 0
    let least = Number.POSITIVE_INFINITY
    for (let c = 0; c < centres.length / dim; c++) {
      const distance = squaredDistance(data, row, centres, c, dim)
      if (distance >= least) continue
      least = distance
      cluster = c
    }
    moved ||= clusters[row] !== cluster
    clusters[row] = cluster
    distances[row] = least
  }
  return moved
}

function squaredDistance(
  a: ArrayLike<number>,
  rowA: number,
  b: ArrayLike<number>,
  rowB: number,
  dim: number,
): number {
  let sum = 0
  for (let d = 0; d < dim; d++) {
    const difference = a[rowA * dim + d]! - b[rowB * dim + d]!
    sum += difference * difference
  }
  return sum
}

/** How well clusters agree with labels; each 0 to 1, higher is better. */
export interface ClusterAgreement {
  /** 1 where each cluster holds rows of one label. */
  readonly homogeneity: number
  /** 1 where all rows of a label are in one cluster. */
  readonly completeness: number
  /** Harmonic mean of both. */
  readonly vMeasure: number
}

/**
 * V-measure (Rosenberg & Hirschberg 2007); the names of the clusters do not matter.
 * @param labels   of each row
 * @param clusters of each row, as many
 * @throws StatisticsError `statistics/length`, `statistics/empty`
 */
export function clusterAgreement(
  labels: ArrayLike<string | number>,
  clusters: ArrayLike<string | number>,
): ClusterAgreement {
  requireSameLength(labels, clusters, 'labels and clusters')
  const [ofLabel, ofCluster, ofBoth] = [counter(), counter(), counter()]
  for (let i = 0; i < labels.length; i++) {
    ofLabel.add(JSON.stringify(labels[i]))
    ofCluster.add(JSON.stringify(clusters[i]))
    ofBoth.add(JSON.stringify([labels[i], clusters[i]]))
  }
  requireFinite(ofBoth.counts(), 'labels')
  const [label, cluster, both] = [ofLabel, ofCluster, ofBoth].map((one) =>
    entropy(one.counts(), labels.length),
  )
  // Mutual information over the entropy of either side; both are 1 where there is nothing to tell
  // apart.
  const shared = Math.max(0, label! + cluster! - both!)
  const homogeneity = label === 0 ? 1 : shared / label!
  const completeness = cluster === 0 ? 1 : shared / cluster!
  const sum = homogeneity + completeness
  return { homogeneity, completeness, vMeasure: sum === 0 ? 0 : (2 * homogeneity * completeness) / sum }
}

function counter() {
  const counts = new Map<string, number>()
  return {
    add: (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1),
    counts: () => [...counts.values()],
  }
}

/** In nats. */
function entropy(counts: readonly number[], total: number): number {
  return -counts.reduce((sum, count) => sum + (count / total) * Math.log(count / total), 0)
}
