/** @file Operators that choose elements by index. */

import { type DType, i64 } from '../../foundation/numeric/tensor.ts'
import { type Dim, formatDims, multiplyDims } from './dims.ts'
import { GraphError, shapeMismatch } from './errors.ts'
import type { Graph, Value } from './graph.ts'
import { axisOf, expand, reshape } from './shaping.ts'

/**
 * Whole slices by index: the axis is replaced by the shape of `indices`. An embedding table is
 * `gather(table, ids, 0)`.
 */
export function gather<T extends DType>(x: Value<T>, indices: Value<'i64'>, axis = 0): Value<T> {
  const along = axisOf('Gather', x, axis)
  const dims = [...x.dims.slice(0, along), ...indices.dims, ...x.dims.slice(along + 1)]
  return x.graph.apply('Gather', [x, indices], { axis: along }, x.dtype, dims)
}

/**
 * One element for each index: `out[i][j] = x[i][indices[i][j]]` along `axis`; the other axes agree.
 */
export function gatherElements(x: Value<'f32'>, indices: Value<'i64'>, axis: number): Value<'f32'> {
  const along = axisOf('GatherElements', x, axis)
  if (
    x.dims.length !== indices.dims.length ||
    x.dims.some((dim, i) => i !== along && dim !== indices.dims[i])
  ) {
    throw shapeMismatch('GatherElements', x.dims, indices.dims, `all axes but ${along} must agree`)
  }
  return x.graph.apply('GatherElements', [x, indices], { axis: along }, 'f32', indices.dims)
}

/**
 * Sums single elements into zeros: the transpose of `gatherElements`. `indices` and `updates` have
 * the same shape.
 */
export function scatterElements(
  dims: readonly Dim[],
  indices: Value<'i64'>,
  updates: Value<'f32'>,
  axis: number,
): Value<'f32'> {
  if (indices.dims.join() !== updates.dims.join())
    throw shapeMismatch('ScatterElements', indices.dims, updates.dims, 'one index for each update')
  return updates.graph.apply('ScatterElements', [indices, updates], { axis, dims: [...dims] }, 'f32', dims)
}

/**
 * Sums slices into zeros: the transpose of `gather`. Built on single elements, because the engine
 * adds those one after the other: the same bytes on every run, whatever the number of threads.
 * @param updates shape of `dims` with `axis` replaced by the shape of `indices`
 */
export function scatterAdd(
  dims: readonly Dim[],
  indices: Value<'i64'>,
  updates: Value<'f32'>,
  axis = 0,
): Value<'f32'> {
  const before = dims.slice(0, axis)
  const after = dims.slice(axis + 1)
  if ([...before, ...indices.dims, ...after].join() !== updates.dims.join()) {
    throw shapeMismatch(
      'ScatterElements',
      dims,
      updates.dims,
      'updates must have the shape that gather gives',
    )
  }
  const count = multiplyDims(...indices.dims)
  const full = [...before, count, ...after]
  const rows = expand(
    reshape(
      indices,
      full.map((_, i) => (i === axis ? count : 1)),
    ),
    full,
  )
  return scatterElements(dims, rows, reshape(updates, full), axis)
}

/** 0, 1, … `length − 1`. */
export function iota(graph: Graph, length: Dim): Value<'i64'> {
  return graph.apply('Iota', [], { length }, 'i64', [length])
}

/**
 * Every `step`-th element of an axis of known size; a negative step runs backwards from the last.
 */
export function strided(x: Value<'f32'>, axis: number, step: number): Value<'f32'> {
  const along = axisOf('Slice', x, axis)
  const size = x.dims[along]!
  if (typeof size !== 'number' || step === 0) {
    throw new GraphError('slice', {
      message: `Slice: step ${step} on axis ${axis} of ${formatDims(x.dims)}`,
      hint: 'Steps other than 1 need an axis of known size.',
    })
  }
  const indices: number[] = []
  for (let i = step > 0 ? 0 : size - 1; i >= 0 && i < size; i += step) indices.push(i)
  return gather(x, x.graph.constant(i64([indices.length], indices)), along)
}
