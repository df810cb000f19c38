/** @file Which rows of two sets of vectors belong to the same item. */

import { firstOf } from '../../../foundation/numeric/errors.ts'
import { shapeOf } from '../../../foundation/numeric/linear.ts'
import type { VectorSet } from '../../../models/embedder/vectors/reading/set.ts'
import { BenchmarkError } from '../errors.ts'

/** Items of both sets. */
export interface MatchedSets {
  /** Ids or keys where both sets have them; else the place of the item in its source. */
  readonly by: 'id' | 'place'
  /** Names of the items: ids, or their places in words. */
  readonly names: readonly string[]
  /** The row of each item in either set. */
  readonly a: readonly number[]
  readonly b: readonly number[]
  /** Items that one set alone has. */
  readonly only: { readonly a: number; readonly b: number }
}

/**
 * Matches by id where both sets have ids, else by place.
 * @param common compares the items of both, where the sets differ
 * @throws BenchmarkError `benchmark/other-dims`, `benchmark/other-items`
 */
export function matchSets(a: VectorSet, b: VectorSet, { common = false } = {}): MatchedSets {
  const [first, second] = [shapeOf(a.vectors), shapeOf(b.vectors)]
  if (first.dim !== second.dim)
    throw new BenchmarkError('other-dims', {
      message: `vectors of ${first.dim} elements in ${a.path}, of ${second.dim} in ${b.path}`,
      hint: 'Drift is measured between two sets of one model, cut to the same number of dimensions.',
    })
  const by = a.ids !== undefined && b.ids !== undefined ? 'id' : 'place'
  const nameOf = (set: VectorSet, row: number) =>
    by === 'id' ? set.ids![row]! : (set.ids?.[row] ?? `item ${set.indices[row]}`)
  const keyOf = (set: VectorSet, row: number) => (by === 'id' ? set.ids![row]! : set.indices[row]!)
  const rowsOfB = new Map(b.indices.map((_, row) => [keyOf(b, row), row]))
  const matched = a.indices.flatMap((_, row) => {
    const other = rowsOfB.get(keyOf(a, row))
    return other === undefined ? [] : [{ row, other }]
  })
  const only = { a: first.rows - matched.length, b: second.rows - matched.length }
  if (matched.length === 0 || (!common && (only.a > 0 || only.b > 0))) {
    const keys = new Set(a.indices.map((_, row) => keyOf(a, row)))
    const names = [
      ...a.indices.flatMap((_, row) => (rowsOfB.has(keyOf(a, row)) ? [] : [nameOf(a, row)])),
      ...b.indices.flatMap((_, row) => (keys.has(keyOf(b, row)) ? [] : [nameOf(b, row)])),
    ]
    throw new BenchmarkError('other-items', {
      message:
        `${a.path} and ${b.path} do not hold the same items: ${matched.length} are in both, ` +
        `${only.a} in the first alone, ${only.b} in the second alone (${firstOf(names, 3)})`,
      hint:
        matched.length === 0
          ? 'Items are matched by their ids or keys where both sets have them: embed the same items with both.'
          : 'Embed the same items with both, or compare the items of both with --common.',
    })
  }
  return {
    by,
    names: matched.map(({ row, other }) => (a.ids === undefined ? nameOf(b, other) : nameOf(a, row))),
    a: matched.map(({ row }) => row),
    b: matched.map(({ other }) => other),
    only,
  }
}
