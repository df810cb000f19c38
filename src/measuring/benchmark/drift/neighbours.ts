/** @file Whether items keep their neighbours when their vectors change. */

import { bootstrapMean, type Interval } from '../../../foundation/numeric/bootstrap.ts'
import { l2NormaliseRows, shapeOf } from '../../../foundation/numeric/linear.ts'
import { shuffle, stream } from '../../../foundation/numeric/random.ts'
import { mean } from '../../../foundation/numeric/statistics.ts'
import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { Similarity, vectorList } from '../../../models/embedder/similarity.ts'

/** An item whose nearest neighbour moved. */
interface MovedNeighbour {
  /** Names of the item and of its nearest neighbour in `a`. */
  readonly id: string
  readonly neighbour: string
  /** The neighbour's place among the item's neighbours in `b`, from 1; null: behind `searched`. */
  readonly rank: number | null
}

export interface NeighbourDrift {
  /** Items whose neighbours were compared; drawn where there are more. */
  readonly sampled: number
  readonly k: number
  /** Mean share of the k nearest that are among the k nearest afterwards, with its interval. */
  readonly kept: Interval
  /** Share of items that keep their nearest neighbour. */
  readonly nearestKept: number
  /** Places that were searched for the former nearest neighbour. */
  readonly searched: number
  /** Its place in the median, from 1; null: behind `searched`. */
  readonly medianRank: number | null
  /** The items whose nearest neighbour moved furthest, furthest first. */
  readonly moved: readonly MovedNeighbour[]
}

export interface NeighbourOptions {
  /** Neighbours of an item. Default 10. */
  k?: number
  /** Items whose neighbours are compared. Default 2,000. */
  sample?: number
  /** Of the draw of these items, and of the interval. Default 0. */
  seed?: number
  /** Items that are listed. Default 10. */
  worst?: number
  threads?: number
  signal?: AbortSignal
}

/** Places in which a former nearest neighbour is looked for. */
const SEARCHED = 100

/**
 * @param a `[items, dim]`
 * @param b `[items, dim]` of the same items
 * @returns undefined for fewer than three items: they have no neighbours to lose
 */
export async function neighbourDrift(
  a: Tensor<'f32'>,
  b: Tensor<'f32'>,
  names: readonly string[],
  { k = 10, sample = 2000, seed = 0, worst = 10, threads, signal }: NeighbourOptions,
): Promise<NeighbourDrift | undefined> {
  const { rows, dim } = shapeOf(a)
  if (rows < 3) return undefined
  const items = shuffle([...names.keys()], stream(seed, 'drift'))
    .slice(0, sample)
    .sort((i, j) => i - j)
  const searched = Math.min(SEARCHED, rows - 1)
  const depth = Math.min(k, rows - 1)
  const similarity = await Similarity.open(dim, { threads })
  try {
    const nearest = async (vectors: Tensor<'f32'>, count: number) => {
      const unit = l2NormaliseRows(vectors)
      const excluded = (query: number) => [items[query]!]
      const options = { k: count, excluded, signal }
      const { columns } = await similarity.nearest(vectorList(taken(unit, items)), vectorList(unit), options)
      return items.map((_, at) => Array.from(columns.subarray(at * count, (at + 1) * count)))
    }
    const before = await nearest(a, depth)
    const after = await nearest(b, Math.max(depth, searched))
    const shares = before.map((list, at) => {
      const kept = new Set(after[at]!.slice(0, depth))
      return list.filter((column) => kept.has(column)).length / depth
    })
    const ranks = before.map(([first], at) => {
      const place = after[at]!.slice(0, searched).indexOf(first!)
      return place < 0 ? Number.POSITIVE_INFINITY : place + 1
    })
    const told = (rank: number) => (Number.isFinite(rank) ? rank : null)
    return {
      sampled: items.length,
      k: depth,
      kept: bootstrapMean(shares, items.map(String), { seed }),
      nearestKept: mean(ranks.map((rank) => Number(rank === 1))),
      searched,
      medianRank: told(ranks.toSorted((i, j) => i - j)[Math.floor((ranks.length - 1) / 2)]!),
      moved: [...ranks.keys()]
        .filter((at) => ranks[at]! > 1)
        .sort((i, j) => (ranks[i] === ranks[j] ? i - j : ranks[j]! - ranks[i]!))
        .slice(0, worst)
        .map((at) => ({
          id: names[items[at]!]!,
          neighbour: names[before[at]![0]!]!,
          rank: told(ranks[at]!),
        })),
    }
  } finally {
    await similarity.close()
  }
}

/** Some rows. */
export function taken(matrix: Tensor<'f32'>, rows: readonly number[]): Tensor<'f32'> {
  const { dim } = shapeOf(matrix)
  const out = f32([rows.length, dim], new Float32Array(rows.length * dim))
  for (const [at, row] of rows.entries())
    out.data.set(matrix.data.subarray(row * dim, (row + 1) * dim), at * dim)
  return out
}
