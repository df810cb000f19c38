/**
 * @file A micro-batch: pairs, the distinct items among them, and where the loss finds each side of
 * a pair among the items' vectors.
 */

import { f32, i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import { distinctOf, type KeyedItem } from '../../inputs/data/item.ts'
import type { Pair } from '../../inputs/data/task.ts'
import type { PairRef } from './batches.ts'

/** A pair in a batch. Its negatives are those that take part. */
export interface BatchPair extends Pair {
  readonly ref: PairRef
}

/**
 * The pair with at most `most` of its hard negatives. Where it has more they take turns.
 * @param update index of the update
 */
export function batchPair(pair: Pair, ref: PairRef, most: number, update: number): BatchPair {
  const { negatives, teacher } = pair
  if (negatives.length <= most) return { ...pair, ref }
  const places = Array.from({ length: most }, (_, i) => (update * most + i) % negatives.length)
  return {
    ...pair,
    ref,
    negatives: places.map((at) => negatives[at]!),
    teacher: teacher && { ...teacher, negatives: places.map((at) => teacher.negatives[at]!) },
  }
}

/** The items of pairs, each once: queries, then targets, then negatives. */
export function itemsOf(pairs: readonly Pair[]): KeyedItem[] {
  const all = [
    ...pairs.map(({ query }) => query),
    ...pairs.map(({ target }) => target),
    ...pairs.flatMap(({ negatives }) => negatives),
  ]
  return distinctOf(all)
}

/** Whether a pair has one of some items. */
export function touches({ query, target, negatives }: Pair, keys: ReadonlySet<string>): boolean {
  return [query, target, ...negatives].some(({ key }) => keys.has(key))
}

/**
 * Feeds of a loss over the vectors of items: `query_rows`, `target_rows` `[pairs] i64`,
 * `negative_rows` `[negatives] i64`: rows of the items; `query_group`, `target_group`,
 * `negative_group`: equal for equal items; `negative_owner` `[negatives] i64`: the pair that it
 * belongs to; `teacher_targets` `[pairs]` (infinite where a pair has no scores),
 * `teacher_negatives` `[negatives]`.
 * @param rowOf row of an item's vector, by its key
 */
export function pairFeeds(
  pairs: readonly BatchPair[],
  rowOf: ReadonlyMap<string, number>,
): Record<string, Tensor> {
  const groups = new Map<string, number>()
  const group = ({ key }: KeyedItem) => {
    if (!groups.has(key)) groups.set(key, groups.size)
    return groups.get(key)!
  }
  const row = ({ key }: KeyedItem) => rowOf.get(key)!
  const integers = (list: readonly number[]) => i64([list.length], list)
  const floats = (list: readonly number[]) => f32([list.length], list)
  const queries = pairs.map(({ query }) => query)
  const targets = pairs.map(({ target }) => target)
  const negatives = pairs.flatMap((pair) => pair.negatives)
  return {
    query_rows: integers(queries.map(row)),
    target_rows: integers(targets.map(row)),
    negative_rows: integers(negatives.map(row)),
    query_group: integers(queries.map(group)),
    target_group: integers(targets.map(group)),
    negative_group: integers(negatives.map(group)),
    negative_owner: integers(pairs.flatMap((pair, i) => pair.negatives.map(() => i))),
    teacher_targets: floats(pairs.map(({ teacher }) => teacher?.target ?? Number.POSITIVE_INFINITY)),
    teacher_negatives: floats(
      pairs.flatMap((pair) => pair.negatives.map((_, i) => pair.teacher?.negatives[i] ?? 0)),
    ),
  }
}
