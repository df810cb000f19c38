/** @file The k best of a stream of scores, for many rows at once; 2 k numbers a row in memory. */

/** Bins of a histogram of scores. */
const BINS = 256
/** First scores of a row, in multiples of k, from which a histogram is worth its time. */
const MANY = 4

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
 * A row collects every score above its k-th best; when it has 2 k of them, the k best are selected.
 * Most scores cost one comparison. Of the first scores of a row, if they are many, those that are
 * far from the k best are left out by a histogram. In the end the k of a row are sorted as 64-bit
 * numbers whose order is that of the results, by the sort of integers that the JavaScript engine
 * has.
 * @example
 * const best = new TopK(queries, 10)
 * for (const block of blocks) for (let row = 0; row < queries; row++) best.offer(row, …)
 * const { columns, scores } = best.finish()
 */
export class TopK {
  readonly #k: number
  /** `[rows, 2 k]` */
  readonly #scores: Float32Array
  readonly #columns: Int32Array
  readonly #sizes: Uint32Array
  /** Of each row, the score that another one has to exceed. */
  readonly #floors: Float32Array
  /** Scores in each bin of a histogram. */
  readonly #counts = new Uint32Array(BINS)

  constructor(rows: number, k: number) {
    this.#k = k
    this.#scores = new Float32Array(rows * 2 * k)
    this.#columns = new Int32Array(rows * 2 * k)
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
    const [kept, columns] = [this.#scores, this.#columns]
    let size = this.#sizes[row]!
    let floor = size === 0 && count >= MANY * this.#k ? this.#below(scores, start, count) : this.#floors[row]!
    for (let i = 0; i < count; i++) {
      const score = scores[start + i]!
      // An equal score of a later column does not replace the k-th best.
      if (!(score > floor)) continue
      kept[first + size] = score
      columns[first + size] = column + i
      size += 1
      if (size < room) continue
      floor = this.#cut(first)
      size = this.#k
    }
    this.#floors[row] = floor
    this.#sizes[row] = size
  }

  /** A score that at least k of these exceed; −∞ where a histogram does not find one. */
  #below(scores: Float32Array, start: number, count: number): number {
    let low = Number.POSITIVE_INFINITY
    let high = Number.NEGATIVE_INFINITY
    for (let i = start; i < start + count; i++) {
      const score = scores[i]!
      if (score < low && score > Number.NEGATIVE_INFINITY) low = score
      if (score > high) high = score
    }
    const scale = (BINS - 1) / (high - low)
    if (!(scale > 0 && scale < Number.POSITIVE_INFINITY)) return Number.NEGATIVE_INFINITY
    const counts = this.#counts.fill(0)
    for (let i = start; i < start + count; i++) {
      const score = scores[i]!
      // −∞ and NaN are in no bin.
      if (!(score >= low)) continue
      const bin = ((score - low) * scale) | 0
      counts[bin] = counts[bin]! + 1
    }
    let bin = BINS
    for (let above = 0; bin > 0 && above < this.#k; ) above += counts[--bin]!
    // Lower by a bin than all that were counted, whatever is rounded.
    return bin === 0 ? Number.NEGATIVE_INFINITY : low + (bin - 1) / scale
  }

  /** The best of each row, sorted. */
  finish(): Best {
    const k = this.#k
    const rows = this.#sizes.length
    const columns = new Int32Array(rows * k).fill(-1)
    const scores = new Float32Array(rows * k).fill(Number.NEGATIVE_INFINITY)
    const entries = new BigUint64Array(2 * k)
    /** The same as halves: column reversed, then score. */
    const halves = new Uint32Array(entries.buffer)
    for (let row = 0; row < rows; row++) {
      const [first, size] = [row * 2 * k, this.#sizes[row]!]
      for (let i = 0; i < size; i++) {
        halves[2 * i] = ~this.#columns[first + i]!
        halves[2 * i + 1] = ordered(this.#scores[first + i]!)
      }
      entries.subarray(0, size).sort()
      for (let i = 0; i < Math.min(k, size); i++) {
        const at = 2 * (size - 1 - i)
        columns[row * k + i] = ~halves[at]!
        scores[row * k + i] = scoreOf(halves[at + 1]!)
      }
    }
    return { columns, scores }
  }

  /**
   * Moves the k best of a full row to its front, by Hoare's selection.
   * @returns the worst score of these
   */
  #cut(first: number): number {
    const [scores, columns, target] = [this.#scores, this.#columns, first + this.#k - 1]
    let [low, high] = [first, first + 2 * this.#k - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      const [score, column] = [scores[middle]!, columns[middle]!]
      let [i, j] = [low, high]
      while (i <= j) {
        while (scores[i]! > score || (scores[i] === score && columns[i]! < column)) i++
        while (scores[j]! < score || (scores[j] === score && columns[j]! > column)) j--
        if (i > j) break
        const [s, c] = [scores[i]!, columns[i]!]
        scores[i] = scores[j]!
        columns[i] = columns[j]!
        scores[j] = s
        columns[j] = c
        i++
        j--
      }
      if (target <= j) high = j
      else if (target >= i) low = i
      else break
    }
    return scores[target]!
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
