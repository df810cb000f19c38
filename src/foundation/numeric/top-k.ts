/** @file The k best of a stream of scores, for many rows at once; 2 k numbers a row in memory. */

/** The best columns of each row. */
export interface Best {
  /** `[rows, k]` columns, best first; −1 where a row has fewer than k. */
  readonly columns: Int32Array
  /** `[rows, k]` their scores; −∞ where there is none. */
  readonly scores: Float32Array
}

/**
 * Keeps the k highest scores of each row. Of equal scores those of the lower columns are kept, and
 * come first: the result does not depend on how the columns are cut into blocks. Scores of −∞ and
 * NaN are left out.
 *
 * A row collects every score above its k-th best, and is sorted when it has 2 k of them: most
 * scores cost one comparison. An entry is 64 bits whose order is that of the results, so that the
 * engine's own sort of integers does the work.
 * @example
 * const best = new TopK(queries, 10)
 * for (const block of blocks) for (let row = 0; row < queries; row++) best.offer(row, …)
 * const { columns, scores } = best.finish()
 */
export class TopK {
  readonly #k: number
  /** `[rows, 2 k]` */
  readonly #entries: BigUint64Array
  /** The same as halves: column reversed, then score. */
  readonly #halves: Uint32Array
  readonly #sizes: Uint32Array
  /** Of each row, the score that another one has to exceed. */
  readonly #floors: Float32Array

  constructor(rows: number, k: number) {
    this.#k = k
    this.#entries = new BigUint64Array(rows * 2 * k)
    this.#halves = new Uint32Array(this.#entries.buffer)
    this.#sizes = new Uint32Array(rows)
    this.#floors = new Float32Array(rows).fill(Number.NEGATIVE_INFINITY)
  }

  /**
   * Takes scores of one row.
   * @param scores those at `start … start + count − 1` are the row's, of columns `column`,
   *   `column + 1`, …; columns rise from call to call
   */
  offer(row: number, scores: Float32Array, start: number, count: number, column: number): void {
    if (this.#k === 0) return
    const room = 2 * this.#k
    const first = row * room
    let floor = this.#floors[row]!
    let size = this.#sizes[row]!
    for (let i = 0; i < count; i++) {
      const score = scores[start + i]!
      // An equal score of a later column does not replace the k-th best.
      if (!(score > floor)) continue
      const at = 2 * (first + size)
      this.#halves[at] = ~(column + i)
      this.#halves[at + 1] = ordered(score)
      size += 1
      if (size < room) continue
      floor = this.#cut(first)
      size = this.#k
    }
    this.#floors[row] = floor
    this.#sizes[row] = size
  }

  /** The best of each row, sorted. */
  finish(): Best {
    const k = this.#k
    const rows = this.#sizes.length
    const columns = new Int32Array(rows * k).fill(-1)
    const scores = new Float32Array(rows * k).fill(Number.NEGATIVE_INFINITY)
    for (let row = 0; row < rows; row++) {
      const [first, size] = [row * 2 * k, this.#sizes[row]!]
      this.#entries.subarray(first, first + size).sort()
      for (let i = 0; i < Math.min(k, size); i++) {
        const at = 2 * (first + size - 1 - i)
        columns[row * k + i] = ~this.#halves[at]!
        scores[row * k + i] = scoreOf(this.#halves[at + 1]!)
      }
    }
    return { columns, scores }
  }

  /** Keeps the k best of a full row. @returns the worst score of these */
  #cut(first: number): number {
    const k = this.#k
    this.#entries.subarray(first, first + 2 * k).sort()
    this.#entries.copyWithin(first, first + k, first + 2 * k)
    return scoreOf(this.#halves[2 * first + 1]!)
  }
}

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

/** The bits of a float such that whole numbers stand in the order of the floats. */
function ordered(score: number): number {
  // −0 and 0 are equal scores.
  float[0] = score + 0
  const word = bits[0]!
  return word >>> 31 === 1 ? ~word : word ^ 0x80000000
}

function scoreOf(order: number): number {
  bits[0] = order >>> 31 === 1 ? order ^ 0x80000000 : ~order
  return float[0]!
}
