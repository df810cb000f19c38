/**
 * @file Dropout that can be replayed. Whether an element is dropped is a function of the seed, the
 * update, the item, the position, the module and the column: not of the batch, its padding or its
 * chunks, nor of the pass, forward or backward. All devices compute the same masks.
 *
 * A row of a batch has `KEYS` numbers modulo the prime `PRIME`, drawn by a counter-based generator
 * from seed, update, item and position; they are fed with each run. A column of a module's input
 * has as many, drawn from seed and module; they are constants. An element is dropped where the sum
 * of their products, modulo the prime, lies below `rate · PRIME`. Any `KEYS` columns (or rows)
 * whose keys are linearly independent, as nearly all are, are dropped independently of each other.
 * All numbers are whole and below 2²³, so f32 is exact in any order of summation; the graph costs
 * one narrow product and seven passes over the input.
 * @see Srivastava et al. 2014; Salmon et al. 2011 (Philox); Carter & Wegman 1979 (§3: sums of
 *   products modulo a prime hash independently)
 */

import type { FeedSlot } from '../../../engine/graph/compiled.ts'
import { type Dim, multiplyDims, termsOf } from '../../../engine/graph/dims.ts'
import { floor, lessOrEqual, mul, sub, where } from '../../../engine/graph/elementwise.ts'
import type { Value } from '../../../engine/graph/graph.ts'
import { gemm } from '../../../engine/graph/matmul.ts'
import { reshape } from '../../../engine/graph/shaping.ts'
import { philox } from '../../../foundation/numeric/philox.ts'
import { fnv1a32 } from '../../../foundation/numeric/random.ts'
import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'

const PRIME = 1021
const HALF = (PRIME - 1) / 2
/** Keys of a row, and of a column. */
const KEYS = 8
const INPUT = 'dropout/'
/** The second word of the generator's key. */
const OF_ROWS = 1

/** Consecutive rows of a batch that belong together: the positions of an item, or a picture. */
interface DropoutUnit {
  /** The number of the item, or of the picture, in its micro-batch. */
  key: number
  /** Rows that it takes, padding included: positions of an item, views (or cells) of a picture. */
  rows: number
  /** The row of its first position, where padding comes before it; default 0. */
  first?: number
}

export interface DropoutStep {
  update: number
  /** The micro-batch of the update; default 0. */
  micro?: number
  /**
   * The units of each kind of row, in order, by the symbols of the rows' dims: `batch0*seq0` for
   * the decoder's group 0, `views` for the tower.
   */
  units: Readonly<Record<string, readonly DropoutUnit[]>>
}

/** Dropout of one training. */
export interface Dropout {
  readonly rate: number
  /**
   * Drops elements of a layer's input, and scales the others by 1 / (1 − rate). Declares the input
   * `dropout/<symbols>/<n>` `[…symbols, n, 8]` with the keys of the rows, where the layer sees n
   * rows for each element of the symbols.
   * @param x `[…rows, in]`, whose rows are a number times symbols @param module names the layer
   * @returns the same shape
   */
  apply(x: Value<'f32'>, module: string): Value<'f32'>
  /** The feeds of the inputs that `apply` declared. */
  feeds(compiled: { readonly inputs: readonly FeedSlot[] }, step: DropoutStep): Record<string, Tensor<'f32'>>
}

/** @param rate above 0, below 1; it is rounded to a multiple of 1 / 1021 */
export function dropout(rate: number, seed: number): Dropout {
  const dropped = Math.round(rate * PRIME)
  return {
    rate,
    apply(x, module) {
      const { graph } = x
      const width = Number(x.dims.at(-1))
      const lead = x.dims.slice(0, -1)
      const rows = multiplyDims(...lead)
      const keys = reshape(rowKeys(x, lead, rows), [rows, KEYS])
      const columns = graph.constant(f32([KEYS, width], columnKeys(seed, module, width)))
      // Half a unit is added so that the quotient of a multiple of the prime is not rounded down.
      const half = graph.constant(f32([width], new Float32Array(width).fill(0.5)))
      const sum = gemm(keys, columns, { bias: half })
      const rest = sub(sum, mul(floor(mul(sum, 1 / PRIME)), PRIME))
      const isDropped = lessOrEqual(reshape(rest, x.dims), dropped)
      return where(isDropped, 0, mul(x, 1 / (1 - rate)))
    },
    feeds: (compiled, step) =>
      Object.fromEntries(
        compiled.inputs.flatMap((slot) =>
          slot.name.startsWith(INPUT) ? [[slot.name, fed(slot, step, seed)]] : [],
        ),
      ),
  }
}

/** The input with the keys of a layer's rows. @param rows a number times symbols */
function rowKeys({ graph }: Value<'f32'>, lead: readonly Dim[], rows: Dim): Value<'f32'> {
  const [term = { coefficient: 1, symbols: [] }] = termsOf(rows)
  const inOrder = lead.flatMap((dim) => termsOf(dim).flatMap(({ symbols }) => symbols))
  return graph.input(`${INPUT}${term.symbols.join('*')}/${term.coefficient}`, 'f32', [
    ...inOrder,
    term.coefficient,
    KEYS,
  ])
}

/** The keys of all rows of an input. */
function fed(
  { name, dims }: FeedSlot,
  { update, micro = 0, units }: DropoutStep,
  seed: number,
): Tensor<'f32'> {
  const given = units[name.slice(INPUT.length, name.lastIndexOf('/'))] ?? []
  const each = Number(dims.at(-2))
  const count = given.reduce((sum, { rows }) => sum + rows, 0)
  const data = new Float32Array(count * each * KEYS)
  const words = new Uint32Array(4)
  let at = 0
  for (const { key, rows, first = 0 } of given)
    for (let row = -first * each; row < (rows - first) * each; row++)
      for (let half = 0; half < KEYS / 4; half++) {
        philox(words, [row, key, update, 2 * micro + half], [seed, OF_ROWS])
        for (const word of words) data[at++] = residue(word)
      }
  // Of two symbols, the first counts the items and the second their positions.
  const sizes = dims.length === 4 ? [given.length, given[0]?.rows ?? 0] : [count]
  return f32([...sizes, each, KEYS], data)
}

/** `[KEYS, width]`, row by row. */
function columnKeys(seed: number, module: string, width: number): Float32Array {
  const data = new Float32Array(KEYS * width)
  const words = new Uint32Array(4)
  for (let column = 0; column < width; column++)
    for (let key = 0; key < KEYS; key++) {
      if (key % 4 === 0) philox(words, [column, key, 0, 0], [seed, fnv1a32(module)])
      data[key * width + column] = residue(words[key % 4]!)
    }
  return data
}

/** A word as a residue modulo the prime, around zero: products stay small. */
function residue(word: number): number {
  return Math.floor((word / 2 ** 32) * PRIME) - HALF
}
