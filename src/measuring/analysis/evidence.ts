/**
 * @file The products of a set of pairs that measures are computed from, each made when it is asked
 * for.
 */

import { shapeOf } from '../../foundation/numeric/linear.ts'
import { byTurns, geometryOf, type PairGeometry, type PairSet, pairSetOf } from './geometry.ts'
import { halvesOf } from './linked.ts'
import { type Pairs, selected } from './pairs.ts'
import { type Pool, poolOf } from './pool.ts'
import type { Products } from './products.ts'
import { type Turned, turnedHalves } from './rotation.ts'
import { inSpan } from './span.ts'

/** Kinds of products. All but `couples` are of all pairs. */
export interface Evidence {
  /** Each pair by itself, and with the centroids. */
  readonly pairs: PairSet
  /** All couples of pairs, of a drawn part where there are many. */
  readonly couples: PairGeometry
  /** The rank of each partner among all candidates. */
  readonly pool: Pool
  /** Each half of the pairs, turned by the rotation of the other. */
  readonly halves: Turned
}

/** Makes each kind at its first call. */
export type EvidenceOf = { readonly [Kind in keyof Evidence]: () => Promise<Evidence[Kind]> }

export interface EvidenceOptions {
  /** `[pairs]` as `linkedPairs`; default: none are linked. */
  readonly linked?: ArrayLike<number>
  /** Pairs whose couples are looked at; default: all. */
  readonly drawn?: ArrayLike<number>
}

/** @param given unit vectors @param products open as long as evidence is asked for */
export function evidenceOf(
  given: Pairs,
  products: Products,
  { linked, drawn }: EvidenceOptions = {},
): EvidenceOf {
  const pairs = inSpan(given)
  const { rows: count } = shapeOf(pairs.images)
  const halves = linked === undefined ? byTurns(count) : halvesOf(linked)
  const couples = once(() => {
    if (drawn === undefined) return geometryOf(pairs, products, halves)
    const own = linked && halvesOf(Array.from(drawn, (row) => linked[row]!))
    return geometryOf(selected(pairs, drawn), products, own)
  })
  return {
    couples,
    pairs: drawn === undefined ? couples : once(async () => pairSetOf(pairs)),
    pool: once(() => poolOf(pairs, products)),
    halves: once(() => turnedHalves(pairs, halves, products)),
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}
