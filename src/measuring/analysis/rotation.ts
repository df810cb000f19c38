/** @file The rotation that brings one set of vectors nearest to another, pair by pair. */

import { meanRow, shapeOf, transpose } from '../../foundation/numeric/linear.ts'
import { f32, type Tensor, zeros } from '../../foundation/numeric/tensor.ts'
import { type Pairs, selected } from './pairs.ts'
import type { Products } from './products.ts'

/**
 * Weight of staying as it is, as a share of the mean size of the products of the pairs. With fewer
 * pairs than dimensions many rotations fit equally well; this chooses the one that turns least.
 */
const STAY = 0.01

/** Rounds of Newton–Schulz at most; a well-conditioned matrix takes some 15. */
const ROUNDS = 60
/** Mean change of an element, times the root of their number, at which the rounds end. */
const SETTLED = 1e-5

/**
 * The orthogonal `R [dim, dim]` that minimises `‖X·R − Y‖² + λ‖R − 1‖²` (Schönemann 1966): the
 * polar factor of `Xᵀ·Y + λ`, with a small λ.
 * @param x `[pairs, dim]` @param y `[pairs, dim]`
 */
export async function rotationOf(
  x: Tensor<'f32'>,
  y: Tensor<'f32'>,
  products: Products,
): Promise<Tensor<'f32'>> {
  const matched = await products.ofColumns(x, y)
  const { rows: dim } = shapeOf(matched)
  const stay = (STAY * norm(matched.data)) / Math.sqrt(dim)
  for (let d = 0; d < dim; d++) matched.data[d * dim + d] = matched.data[d * dim + d]! + stay
  return await polarFactor(matched, products)
}

/**
 * The nearest orthogonal matrix, by Newton–Schulz (Higham 2008, §8.3).
 * @param matrix `[dim, dim]`
 */
export async function polarFactor(matrix: Tensor<'f32'>, products: Products): Promise<Tensor<'f32'>> {
  const scale = norm(matrix.data)
  const { dim } = shapeOf(matrix)
  // Vectors without any variance: every rotation fits them, and the unit matrix turns least.
  if (scale === 0) return identity(dim)
  let turn = f32(
    matrix.dims,
    matrix.data.map((value) => value / scale),
  )
  for (let round = 0; round < ROUNDS; round++) {
    const columns = transpose(turn)
    const squares = await products.times(columns, columns, ROUNDS)
    const cubes = await products.times(turn, squares, ROUNDS)
    const next = turn.data.map((value, at) => 1.5 * value - 0.5 * cubes.data[at]!)
    const change = norm(next.map((value, at) => value - turn.data[at]!)) / Math.sqrt(dim)
    turn = f32(matrix.dims, next)
    if (change < SETTLED) break
  }
  return turn
}

function identity(dim: number): Tensor<'f32'> {
  const unit = zeros([dim, dim])
  for (let d = 0; d < dim; d++) unit.data[d * (dim + 1)] = 1
  return unit
}

function norm(values: Float32Array): number {
  let sum = 0
  for (const value of values) sum += value * value
  return Math.sqrt(sum)
}

/** `[rows, dim]` less a centre. */
export function less(matrix: Tensor<'f32'>, centre: ArrayLike<number>): Tensor<'f32'> {
  const { rows, dim } = shapeOf(matrix)
  const out = zeros(matrix.dims)
  for (let row = 0; row < rows; row++)
    for (let d = 0; d < dim; d++) out.data[row * dim + d] = matrix.data[row * dim + d]! - centre[d]!
  return out
}

/** Products of each image, turned by the rotation of the other half of the pairs, and its text. */
export interface Turned {
  readonly count: number
  /** `[count]` each: of the turned image with its text, with itself, of the text with itself. */
  readonly matched: Float64Array
  readonly imageSquares: Float64Array
  readonly textSquares: Float64Array
}

/**
 * Splits the pairs in two halves, and turns each by the rotation that was fitted to the other: a
 * rotation fits its own pairs whatever they are.
 * @param pairs of unit vectors
 * @param half  for each pair 0 or 1; linked pairs are in one half
 */
export async function turnedHalves(
  pairs: Pairs,
  half: ArrayLike<number>,
  products: Products,
): Promise<Turned> {
  const { rows: count, dim } = shapeOf(pairs.images)
  const made = {
    count,
    matched: new Float64Array(count),
    imageSquares: new Float64Array(count),
    textSquares: new Float64Array(count),
  }
  const halves = [0, 1].map((side) =>
    Array.from({ length: count }, (_, i) => i).filter((i) => half[i] === side),
  )
  for (const [side, scored] of halves.entries()) {
    const fitted = selected(pairs, halves[1 - side]!)
    const centres = { images: meanRow(fitted.images), texts: meanRow(fitted.texts) }
    const [x, y] = [less(fitted.images, centres.images), less(fitted.texts, centres.texts)]
    const turn = await rotationOf(x, y, products)
    const own = selected(pairs, scored)
    const { data: images } = await products.times(less(own.images, centres.images), transpose(turn))
    const { data: texts } = less(own.texts, centres.texts)
    for (const [row, i] of scored.entries()) {
      for (let at = row * dim; at < (row + 1) * dim; at++) {
        made.matched[i] = made.matched[i]! + images[at]! * texts[at]!
        made.imageSquares[i] = made.imageSquares[i]! + images[at]! ** 2
        made.textSquares[i] = made.textSquares[i]! + texts[at]! ** 2
      }
    }
  }
  return made
}
