/**
 * @file Vectors of different items in one array that becomes the result: a million of them are in
 * memory once.
 */

import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { EmbedderError } from '../errors.ts'
import { checkDims, leading } from './leading.ts'

/** Elements of the longest array in Node 20. */
const LONGEST = 2 ** 32 - 1

export interface VectorTableOptions {
  /**
   * How many vectors there will be at most, where it is known: room for them is set aside at once,
   * and takes memory only as it fills.
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
   * Rows may come in any order.
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
   * The vectors in an order of their own, some more than once, in the table's own array: the table
   * is of no use afterwards.
   * @param order rows; each one's first place is behind those of the rows before it
   * @returns `[order.length, width]`
   */
  take(order: readonly number[]): Tensor<'f32'> {
    const width = this.#width
    const move = (from: number, to: number) => {
      if (from !== to) this.#data.copyWithin(to * width, from * width, (from + 1) * width)
    }
    this.#reserve(order.length)
    // Up to the front, without the rows that nobody wants …
    const places = new Map<number, number>()
    for (const row of order) {
      if (places.has(row)) continue
      move(row, places.size)
      places.set(row, places.size)
    }
    // … then, from the back, to where they belong: never in front of where they are, so that none
    // is overwritten that is still to be moved.
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
