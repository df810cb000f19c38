/**
 * @file Scores of each row's candidates. A large task is multiplied by the engine in f32; every
 * score that could decide a rank is then computed again in f64. So ranks, ties and the best
 * candidate are those of exact scores: they depend neither on blocks nor on threads nor on the
 * engine, and equal vectors have equal scores.
 */

import { InterruptedError } from '../../foundation/numeric/errors.ts'
import { dot } from '../../foundation/numeric/linear.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import type { Row } from '../../inputs/data/task.ts'
import { scoreBound } from '../../models/embedder/own-lists.ts'
import { Similarity, type VectorList } from '../../models/embedder/similarity.ts'
import type { VectorOf } from '../../models/embedder/vectors/all.ts'
import type { EvaluateOptions } from './evaluate.ts'

/** A row, and the score of each of its candidates. */
export interface ScoredRow {
  readonly row: Row
  /**
   * Inner products with the query in f64: those of right candidates, of the hard one, of the best
   * and of all that are near one of these. Others may be off in the seventh digit, which changes
   * no comparison.
   */
  readonly scores: ArrayLike<number>
}

/** Products of elements from which the engine is faster than a loop, its start included. */
const LARGE = 2 ** 28
/** Candidates of all rows that are scored at a time. */
const AT_ONCE = 2 ** 23
/** Products that may be computed for one that is wanted: a loop over the wanted ones is slower. */
const DENSE = 16

/** The rows in their order. @throws as `Similarity.own` */
export async function* exactScores(
  rows: readonly Row[],
  vectorOf: VectorOf,
  { threads, signal }: EvaluateOptions,
): AsyncGenerator<ScoredRow> {
  const [first] = rows
  if (first === undefined) return
  const dim = vectorOf(first.query.key).length
  const products = rows.reduce((sum, { candidates }) => sum + candidates.length, 0)
  if (products * dim < LARGE) {
    for (const row of rows) yield { row, scores: directly(row, vectorOf) }
    return
  }
  await using similarity = await Similarity.open(dim, { threads })
  for (const { rows: part, pool, wanted } of parts(rows)) {
    if (signal?.aborted) throw new InterruptedError('scoring', signal)
    if (part.length * pool.size > DENSE * wanted) {
      for (const row of part) yield { row, scores: directly(row, vectorOf) }
      continue
    }
    const keys = [...pool.keys()]
    const longest = keys.reduce((most, key) => Math.max(most, length(vectorOf(key))), 0)
    const scores = await similarity.listed(
      listOf(
        part.map(({ query }) => query.key),
        vectorOf,
        dim,
      ),
      listOf(keys, vectorOf, dim),
      part.map(({ candidates }) => Int32Array.from(candidates, ({ key }) => pool.get(key)!)),
      { signal },
    )
    for (const [at, row] of part.entries()) {
      const query = vectorOf(row.query.key)
      const bound = scoreBound(dim, length(query) * longest)
      const exact = (i: number) => dot(query, vectorOf(row.candidates[i]!.key))
      yield { row, scores: settled(scores[at]!, row, exact, bound) }
    }
  }
}

function directly({ query, candidates }: Row, vectorOf: VectorOf): Float64Array {
  const own = vectorOf(query.key)
  return Float64Array.from(candidates, ({ key }) => dot(own, vectorOf(key)))
}

/**
 * Puts exact scores in the place of all that could decide a comparison.
 * @param rough none is further from its exact score than `bound`
 */
export function settled(
  rough: Float32Array,
  { positive, positives = [positive], hardIndex }: Pick<Row, 'positive' | 'positives' | 'hardIndex'>,
  exact: (candidate: number) => number,
  bound: number,
): Float64Array {
  const scores = Float64Array.from(rough)
  const fixed = hardIndex === undefined ? positives : [...positives, hardIndex]
  const levels = Float64Array.from(positives, exact).sort()
  // Candidates whose rough score is below the best one's by more than two errors are not the best.
  const top = rough.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY) - 2 * bound
  for (let i = 0; i < rough.length; i++)
    if (rough[i]! >= top || isNear(levels, rough[i]!, bound)) scores[i] = exact(i)
  for (const i of fixed) scores[i] = exact(i)
  return scores
}

/** Whether one of the sorted levels is within `bound` of the score. */
function isNear(levels: Float64Array, score: number, bound: number): boolean {
  let [low, high] = [0, levels.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (levels[middle]! < score - bound) low = middle + 1
    else high = middle
  }
  return low < levels.length && levels[low]! <= score + bound
}

interface Part {
  readonly rows: readonly Row[]
  /** Distinct candidates by key → place. */
  readonly pool: ReadonlyMap<string, number>
  /** Candidates of all rows. */
  readonly wanted: number
}

/** Rows one after the other, as many at a time as there is room for. */
function* parts(all: readonly Row[]): Generator<Part> {
  let rows: Row[] = []
  let pool = new Map<string, number>()
  let wanted = 0
  for (const row of all) {
    if (rows.length > 0 && wanted + row.candidates.length > AT_ONCE) {
      yield { rows, pool, wanted }
      rows = []
      pool = new Map()
      wanted = 0
    }
    rows.push(row)
    wanted += row.candidates.length
    for (const { key } of row.candidates) if (!pool.has(key)) pool.set(key, pool.size)
  }
  if (rows.length > 0) yield { rows, pool, wanted }
}

/** Vectors by their keys, as a list that is copied block by block. */
function listOf(keys: readonly string[], vectorOf: VectorOf, dim: number): VectorList {
  return {
    rows: keys.length,
    dim,
    async read(start, count) {
      const block = f32([count, dim], new Float32Array(count * dim))
      for (let row = 0; row < count; row++) block.data.set(vectorOf(keys[start + row]!), row * dim)
      return block
    },
  }
}

function length(vector: Float32Array): number {
  return Math.sqrt(dot(vector, vector))
}
