/** @file Facts of a pair that need no picture: what a plan counts, and what a split goes by. */

import { createHash } from 'node:crypto'
import type { Pair } from '../task.ts'

/** Facts of a pair before its pictures are read. */
export interface PairFacts {
  /** Pictures of the query and of the target. */
  readonly pictures: { readonly query: number; readonly target: number }
  readonly negatives: number
  /** Equal for equal targets: 53 bits of a hash. */
  readonly target: number
  /** Of query and target together, the same in every source: a fraction in [0, 1). */
  readonly share: number
}

/** Facts of a pair in memory. */
export function pairFacts({ query, target, negatives }: Pair): PairFacts {
  return {
    pictures: { query: query.image?.length ?? 0, target: target.image?.length ?? 0 },
    negatives: negatives.length,
    target: hash53(target.key),
    share: shareOf(query.key, target.key),
  }
}

/** 53 bits of the sha256 of a text: as many as a number holds. */
export function hash53(text: string): number {
  const digest = createHash('sha256').update(text).digest()
  return digest.readUInt32BE(0) * 2 ** 21 + (digest.readUInt32BE(4) >>> 11)
}

/**
 * A fraction in [0, 1) that depends on query and target alone: a split by it stays as it is when
 * rows are added.
 */
export function shareOf(query: string, target: string): number {
  return hash53(JSON.stringify([query, target])) / 2 ** 53
}
