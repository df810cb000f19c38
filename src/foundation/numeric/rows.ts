/** @file Arrays along their first axis: blocks and ranges of it, parts joined to one. */

import { f32, sizeOf, type Tensor } from './tensor.ts'

/** Block `index` of the first axis, without that axis. */
export function blockOf(x: Tensor<'f32'>, index: number): Tensor<'f32'> {
  const dims = x.dims.slice(1)
  const size = sizeOf(dims)
  return f32(dims, x.data.subarray(index * size, (index + 1) * size))
}

/** Entries `start … start + length − 1` of the first axis. */
export function rangeOf(x: Tensor<'f32'>, start: number, length: number): Tensor<'f32'> {
  const size = sizeOf(x.dims.slice(1))
  return f32([length, ...x.dims.slice(1)], x.data.subarray(start * size, (start + length) * size))
}

/** `[rows, dim]` of rows of one length; `[0, 0]` of none. */
export function stacked(rows: readonly Float32Array[]): Tensor<'f32'> {
  const dim = rows[0]?.length ?? 0
  const data = new Float32Array(rows.length * dim)
  for (const [i, row] of rows.entries()) data.set(row, i * dim)
  return f32([rows.length, dim], data)
}

/** Arrays of equal inner shape one after the other along the first axis; `undefined` for none. */
export function joined(parts: readonly Tensor<'f32'>[]): Tensor<'f32'> | undefined {
  const [first] = parts
  if (first === undefined) return undefined
  const data = new Float32Array(parts.reduce((size, part) => size + part.data.length, 0))
  let at = 0
  for (const part of parts) {
    data.set(part.data, at)
    at += part.data.length
  }
  return f32([parts.reduce((size, part) => size + part.dims[0]!, 0), ...first.dims.slice(1)], data)
}
