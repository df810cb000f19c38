/**
 * @file Pairs with the number of times each was drawn.
 *
 * Resampling draws some pairs several times. A copy is not another item: it is neither a mismatched
 * partner of its original nor a neighbour of it. So all sums over two or more items run over
 * *distinct* pairs of the study, each term weighted by the product of its weights, and divided by
 * the sum of those products. Every such mean has the expectation of the mean over the pairs
 * themselves.
 */

/** Pairs with the number of times each was drawn. */
export interface Sample {
  /** `[count]` */
  weights: Float64Array
  /** Pairs of weight above 0, ascending. */
  active: Uint32Array
  /** Sum of the weights. */
  total: number
  /** Sum over ordered couples of distinct pairs of the product of their weights. */
  couples: number
}

/** A measure with everything that does not depend on the weights already computed. */
export type Estimator = (sample: Sample) => number

/** Joins weights with the sums that measures share. */
export function sampleOf(weights: Float64Array): Sample {
  let total = 0
  let squares = 0
  const active: number[] = []
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i]!
    if (weight === 0) continue
    active.push(i)
    total += weight
    squares += weight * weight
  }
  return { weights, active: Uint32Array.from(active), total, couples: total * total - squares }
}

/** Every pair once. */
export function wholeSample(count: number): Sample {
  return sampleOf(new Float64Array(count).fill(1))
}

/** Weighted mean of `[count]` values, one for each pair. */
export function pairMean(values: ArrayLike<number>, { weights, active, total }: Sample): number {
  let sum = 0
  for (const i of active) sum += weights[i]! * values[i]!
  return sum / total
}

/**
 * Weighted mean of a symmetric `[count, count]` matrix over couples of distinct pairs. NaN when
 * only one pair was drawn.
 */
export function coupleMean(matrix: Float32Array, { weights, active, couples }: Sample): number {
  const count = weights.length
  let sum = 0
  for (let a = 1; a < active.length; a++) {
    const i = active[a]!
    const offset = i * count
    let row = 0
    for (let b = 0; b < a; b++) {
      const j = active[b]!
      row += weights[j]! * matrix[offset + j]!
    }
    sum += weights[i]! * row
  }
  return (2 * sum) / couples
}

/**
 * Weighted mean product over couples of distinct pairs, from the products with a centroid, which
 * hold each pair's product with itself too.
 * @param own `[count]` the product of each pair with itself
 */
export function coupleMeanFrom(
  products: Float64Array,
  own: ArrayLike<number>,
  { weights, active, total, couples }: Sample,
): number {
  let sum = 0
  for (const i of active) sum += weights[i]! * (products[i]! * total - weights[i]! * own[i]!)
  return sum / couples
}

/**
 * Measures of one resample are computed one after the other: keeping one result spares them the
 * same sums.
 */
export function keepLast<T>(compute: (sample: Sample) => T): (sample: Sample) => T {
  let last: { sample: Sample; result: T } | undefined
  return (sample) => {
    if (last?.sample !== sample) last = { sample, result: compute(sample) }
    return last.result
  }
}
