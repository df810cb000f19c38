/** @file For each query the nearest targets that are wrong answers. */

import type { Best } from '../../foundation/numeric/top-k.ts'
import { Similarity } from '../../models/embedder/similarity.ts'
import type { Candidate } from './choose.ts'
import type { StoredVectors } from './stored-vectors.ts'

export interface SearchOptions {
  /** Targets of each query at most. */
  k: number
  /** Numbers of the targets that are no wrong answers to a query, by its number. */
  right: (query: number) => readonly number[]
  threads?: number
  signal?: AbortSignal
  /** @param done queries */
  onProgress?: (done: number) => void
}

/** The wrong targets of a query, by its number; the nearest first. */
export type Nearest = (query: number) => Candidate[]

/** Targets that are collected for queries at a time: 16 bytes each. */
const COLLECTED = 2 ** 23

/** @throws as `Similarity.nearest` */
export async function searched(
  queries: StoredVectors,
  targets: StoredVectors,
  { right, threads, signal, onProgress, ...options }: SearchOptions,
): Promise<Nearest> {
  const k = Math.min(options.k, targets.rows)
  const step = Math.max(1, Math.floor(COLLECTED / k))
  const found: Best[] = []
  const similarity = await Similarity.open(queries.dim, { threads })
  try {
    for (let start = 0; start < queries.rows; start += step) {
      const rows = Math.min(step, queries.rows - start)
      const part = {
        ...queries,
        rows,
        read: async (from: number, count: number) => await queries.read(start + from, count),
      }
      const excluded = (place: number) =>
        right(queries.numbers[start + place]!).flatMap((target) => targets.places.get(target) ?? [])
      found.push(
        await similarity.nearest(part, targets, {
          k,
          excluded,
          signal,
          onProgress: (share) => onProgress?.(Math.round(start + share * rows)),
        }),
      )
    }
  } finally {
    await similarity.close()
  }
  return (query) => {
    const place = queries.places.get(query)!
    const { columns, scores } = found[Math.floor(place / step)]!
    const first = (place % step) * k
    const made: Candidate[] = []
    for (let i = 0; i < k && columns[first + i]! >= 0; i++)
      made.push({ target: targets.numbers[columns[first + i]!]!, score: scores[first + i]! })
    return made
  }
}
