/**
 * @file Merges low-rank updates into weights. Sums are in f64, results in f32.
 */

import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { LowRankUpdate, TrainedRows } from './adapter.ts'

/**
 * Computes `W + scale · B · A`. With magnitudes, it then scales each row (of an embedding table:
 * each column) to its magnitude.
 * @param weight `[out, in]`, `[out, …kernel]` or, of an embedding table, `[rows, dim]`
 * @returns the shape of `weight`
 * @see Hu et al. 2021 (LoRA); Liu et al. 2024 (DoRA); specs/vlm2vec-mmeb.md §5.7
 */
export function mergedWeight(weight: Tensor<'f32'>, update: LowRankUpdate): Tensor<'f32'> {
  const { down, up, scale, magnitude } = update
  const rank = down.dims[0]!
  const isTable = update.layout === 'embedding'
  const rows = weight.dims[0]!
  const columns = weight.data.length / rows
  // The update of an embedding table is transposed: (B · A)ᵀ.
  const left = isTable
    ? (row: number, k: number) => down.data[k * rows + row]!
    : (row: number, k: number) => up.data[row * rank + k]!
  const right = isTable
    ? (k: number, column: number) => up.data[column * rank + k]!
    : (k: number, column: number) => down.data[k * columns + column]!
  const out = new Float32Array(weight.data.length)
  const sum = new Float64Array(columns)
  const squares = new Float64Array(isTable ? columns : rows)
  for (let row = 0; row < rows; row++) {
    sum.fill(0)
    for (let k = 0; k < rank; k++) {
      const factor = left(row, k)
      for (let column = 0; column < columns; column++) sum[column]! += factor * right(k, column)
    }
    for (let column = 0; column < columns; column++) {
      const value = weight.data[row * columns + column]! + scale * sum[column]!
      out[row * columns + column] = value
      squares[isTable ? column : row]! += value * value
    }
  }
  if (magnitude !== undefined)
    for (let at = 0; at < out.length; at++) {
      const line = isTable ? at % columns : Math.floor(at / columns)
      out[at]! *= magnitude.data[line]! / Math.sqrt(squares[line]!)
    }
  return f32(weight.dims, out)
}

/** Adds the bias of B to the layer's own. @param bias `[out]` */
export function mergedBias(bias: Tensor<'f32'>, { data }: Tensor<'f32'>, scale: number): Tensor<'f32'> {
  return f32(
    bias.dims,
    Float32Array.from(bias.data, (value, i) => value + scale * data[i]!),
  )
}

/** Replaces some rows of a table. @param table `[rows, dim]` */
export function withRows(table: Tensor<'f32'>, { ids, values }: TrainedRows): Tensor<'f32'> {
  const data = table.data.slice()
  const dim = table.dims[1]!
  for (const [i, row] of ids.entries()) data.set(values.data.subarray(i * dim, (i + 1) * dim), row * dim)
  return f32(table.dims, data)
}
