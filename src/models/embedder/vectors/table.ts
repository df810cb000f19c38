/**
 * @file The vectors of a call in one array, which becomes the result: a million vectors are in
 * memory once, not twice.
 */

import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { EmbedderError } from '../errors.ts'
import { checkDims, leading } from './leading.ts'

/** Elements of the longest array in Node 20. */
const LONGEST = 2 ** 32 - 1

export interface VectorTableOptions {
  /**
   * The largest number of vectors, where it is known. Their room is set aside at once; it takes
   * memory only as it fills.
   */
  rows?: number
  /** Leading elements to keep; default all. */
  dims?: number
}

export class VectorTable {
  readonly #options: VectorTableOptions
  #data = new Float32Array(0)
  #width = 0

  constructor(options: VectorTableOptions) {
    this.#options = options
  }

  /**
   * Keeps the vector of a row. Rows may come in any order.
   * @throws EmbedderError `embedder/dims` when fewer elements are there than are to be kept,
   *   `embedder/too-many`
   */
  set(row: number, vector: Float32Array): void {
    const { dims = vector.length } = this.#options
    checkDims(dims, vector.length)
    this.#width = dims
    this.#reserve(row + 1)
    this.#data.set(dims === vector.length ? vector : leading(vector, dims), row * dims)
  }

  /**
   * Arranges the vectors in a given order, some more than once. It does so in the table's own
   * array: the table cannot be used afterwards.
   * @param order rows; the first place of each row lies behind the first places of the rows before
   * @returns `[order.length, width]`
   */
  take(order: readonly number[]): Tensor<'f32'> {
    const width = this.#width
    const move = (from: number, to: number) => {
      if (from !== to) this.#data.copyWithin(to * width, from * width, (from + 1) * width)
    }
    this.#reserve(order.length)
    // Move the wanted rows to the front, without gaps.
    const places = new Map<number, number>()
    for (const row of order) {
      if (places.has(row)) continue
      move(row, places.size)
      places.set(row, places.size)
    }
    // Then move each, from the back, to its place. That place is never before the present one, so
    // no row is overwritten that is still to be moved.
    for (let at = order.length - 1; at >= 0; at--) move(places.get(order[at]!)!, at)
    return f32([order.length, width], this.#data.subarray(0, order.length * width))
  }

  #reserve(rows: number): void {
    if (rows * this.#width <= this.#data.length) return
    const most = Math.floor(LONGEST / this.#width)
    if (rows > most) {
      throw new EmbedderError('too-many', {
        message: `${rows} vectors of ${this.#width} elements: an array can hold ${most}`,
        hint: 'Embed the items in several runs, or keep fewer elements with dims.',
      })
    }
    const wanted = this.#data.length === 0 ? (this.#options.rows ?? rows) : 2 * rows
    const grown = new Float32Array(Math.min(Math.max(rows, wanted), most) * this.#width)
    grown.set(this.#data)
    this.#data = grown
  }
}
