/**
 * @file How far two sets of vectors of one model are apart: after an update of a library, on
 * another device, in another precision, through another program.
 */

import { dot, shapeOf } from '../../../foundation/numeric/linear.ts'
import { mean, quantile } from '../../../foundation/numeric/statistics.ts'
import type { Tensor } from '../../../foundation/numeric/tensor.ts'
import type { VectorSet } from '../../../models/embedder/vectors/reading/set.ts'
import { BenchmarkError } from '../errors.ts'
import { matchSets } from './match.ts'
import { type NeighbourDrift, type NeighbourOptions, neighbourDrift, taken } from './neighbours.ts'

export interface DriftOptions extends NeighbourOptions {
  /** Compares the items of both, where the sets differ. Default false: they must not. */
  common?: boolean
}

/** An item and the cosine between its two vectors. */
interface ItemDrift {
  readonly id: string
  /** Its words, where a set keeps them. */
  readonly label?: string
  readonly cosine: number
}

export interface Drift {
  readonly a: string
  readonly b: string
  readonly matchedBy: 'id' | 'place'
  /** Items of both sets, and those that one set alone has. */
  readonly items: number
  readonly only: { readonly a: number; readonly b: number }
  readonly dim: number
  /** Items whose vectors are equal to the bit. */
  readonly identical: number
  /** Over the items. */
  readonly cosine: {
    readonly least: number
    readonly p5: number
    readonly median: number
    readonly mean: number
  }
  /** The items that moved most, furthest first. Identical ones are not among them. */
  readonly worst: readonly ItemDrift[]
  /** null where there are fewer than three items. */
  readonly neighbours: NeighbourDrift | null
}

/**
 * Compares the vectors of the same items. Cosines need no unit length.
 * @throws BenchmarkError `benchmark/other-dims`, `benchmark/other-items`, `benchmark/zero-vector`;
 *   InterruptedError
 * @example
 * const [a, b] = [await readVectorSet('before.parquet'), await readVectorSet('after.parquet')]
 * const { cosine, worst } = await measureDrift(a, b)
 */
export async function measureDrift(a: VectorSet, b: VectorSet, options: DriftOptions = {}): Promise<Drift> {
  const { worst = 10 } = options
  const { by, names, only, ...rows } = matchSets(a, b, options)
  const [first, second] = [taken(a.vectors, rows.a), taken(b.vectors, rows.b)]
  const { dim } = shapeOf(first)
  const cosines = new Float64Array(names.length)
  let identical = 0
  const equal: boolean[] = []
  for (const [item, name] of names.entries()) {
    const [x, y] = [rowOf(first, item), rowOf(second, item)]
    equal.push(x.every((value, i) => value === y[i]))
    if (equal[item]) identical += 1
    const found = cosine(x, y, name)
    cosines[item] = equal[item] ? 1 : found
  }
  const labels = (item: number) => a.labels?.[rows.a[item]!] ?? b.labels?.[rows.b[item]!]
  const order = [...names.keys()].filter((item) => !equal[item])
  return {
    a: a.path,
    b: b.path,
    matchedBy: by,
    items: names.length,
    only,
    dim,
    identical,
    cosine: {
      least: cosines.reduce((least, value) => Math.min(least, value), 1),
      p5: quantile(cosines, 0.05),
      median: quantile(cosines, 0.5),
      mean: mean(cosines),
    },
    worst: order
      .sort((i, j) => cosines[i]! - cosines[j]! || i - j)
      .slice(0, worst)
      .map((item) => ({
        id: names[item]!,
        ...(labels(item) && { label: labels(item)! }),
        cosine: cosines[item]!,
      })),
    neighbours: (await neighbourDrift(first, second, names, options)) ?? null,
  }
}

function rowOf(matrix: Tensor<'f32'>, row: number): Float32Array {
  const { dim } = shapeOf(matrix)
  return matrix.data.subarray(row * dim, (row + 1) * dim)
}

/** In f64; at most 1. @throws BenchmarkError `benchmark/zero-vector` */
function cosine(x: Float32Array, y: Float32Array, name: string): number {
  const norms = Math.sqrt(dot(x, x)) * Math.sqrt(dot(y, y))
  if (norms > 0) return Math.max(-1, Math.min(1, dot(x, y) / norms))
  throw new BenchmarkError('zero-vector', {
    message: `a vector of "${name}" is all zeros: it has no direction to compare`,
    hint: 'Leave the item out of both sets, or look for the reason in the model that made it.',
  })
}
