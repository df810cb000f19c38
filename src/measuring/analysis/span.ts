/**
 * @file Vectors of more elements than there are vectors lie in a smaller space: their span.
 * Measures and remedies know nothing of vectors but their inner products, so coordinates in the
 * span serve as well, and matrices of `[dim, dim]` become small.
 */

import { dot, shapeOf } from '../../foundation/numeric/linear.ts'
import { joined, rangeOf } from '../../foundation/numeric/rows.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { Pairs } from './pairs.ts'

/** Squared lengths that are left below this share of the largest are rounding. */
const ROUNDING = 1e-12

/**
 * The same inner products from as few elements as the vectors need; vectors that have fewer
 * elements than there are vectors are returned as they are.
 */
export function inSpan(pairs: Pairs): Pairs {
  const [images, texts] = coordinates([pairs.images, pairs.texts])
  return { images: images!, texts: texts! }
}

/** The same of two sets in one space. @param a and `b`: of one dim */
export function bothInSpan(a: Pairs, b: Pairs): [Pairs, Pairs] {
  const [images, texts, others, otherTexts] = coordinates([a.images, a.texts, b.images, b.texts])
  return [
    { images: images!, texts: texts! },
    { images: others!, texts: otherTexts! },
  ]
}

function coordinates(sets: readonly Tensor<'f32'>[]): readonly Tensor<'f32'>[] {
  const all = joined(sets)
  if (all === undefined || shapeOf(all).dim <= shapeOf(all).rows) return sets
  const made = spanOf(all)
  let start = 0
  return sets.map((set) => {
    const { rows } = shapeOf(set)
    start += rows
    return rangeOf(made, start - rows, rows)
  })
}

/**
 * Cholesky's factor of the matrix of all inner products, with pivots (Higham 2002, §10.3): its
 * rows have the inner products of the given ones.
 * @param rows `[rows, dim]` @returns `[rows, rank]`
 */
function spanOf(rows: Tensor<'f32'>): Tensor<'f32'> {
  const { rows: count, dim } = shapeOf(rows)
  const rowAt = (row: number) => rows.data.subarray(row * dim, (row + 1) * dim)
  const factor = new Float64Array(count * count)
  const left = Float64Array.from({ length: count }, (_, row) => dot(rowAt(row), rowAt(row)))
  const least = ROUNDING * left.reduce((most, value) => Math.max(most, value), 0)
  let rank = 0
  for (; rank < count; rank++) {
    const pivot = left.reduce((best, value, row) => (value > left[best]! ? row : best), 0)
    if (!(left[pivot]! > least)) break
    const length = Math.sqrt(left[pivot]!)
    const [of, from] = [rowAt(pivot), pivot * count]
    for (let row = 0; row < count; row++) {
      // A row that was a pivot has nothing left.
      if (left[row] === 0) continue
      let rest = dot(rowAt(row), of)
      for (let k = 0; k < rank; k++) rest -= factor[row * count + k]! * factor[from + k]!
      factor[row * count + rank] = rest / length
      left[row] = row === pivot ? 0 : Math.max(0, left[row]! - (rest / length) ** 2)
    }
  }
  const out = new Float32Array(count * rank)
  for (let row = 0; row < count; row++) out.set(factor.subarray(row * count, row * count + rank), row * rank)
  return f32([count, rank], out)
}
