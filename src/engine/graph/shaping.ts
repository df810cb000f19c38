/**
 * @file Operators that move elements without computing: reshape, transpose, slice, concat, pad,
 * expand.
 */

import type { DType } from '../../foundation/numeric/tensor.ts'
import { addDims, type Dim, divideDim, formatDims, multiplyDims } from './dims.ts'
import { GraphError, shapeMismatch } from './errors.ts'
import type { Value } from './graph.ts'
import type { Op } from './op.ts'

/** Turns a negative axis into a positive one. @throws GraphError `graph/axis` */
export function axisOf(op: Op, x: Value, axis: number): number {
  const positive = axis < 0 ? axis + x.dims.length : axis
  if (positive < 0 || positive >= x.dims.length) {
    throw new GraphError('axis', {
      message: `${op}: axis ${axis} of a value of shape ${formatDims(x.dims)}`,
      hint: 'Axes run from 0 to rank − 1, or −rank to −1.',
    })
  }
  return positive
}

/**
 * The same elements in other dims. One entry may be −1: its size follows from the others.
 * @throws GraphError `graph/shape` when the sizes differ
 */
export function reshape<T extends DType>(x: Value<T>, dims: readonly Dim[]): Value<T> {
  const size = multiplyDims(...x.dims)
  const known = multiplyDims(...dims.filter((dim) => dim !== -1))
  const open = dims.filter((dim) => dim === -1).length
  const rest = open === 1 ? divideDim(size, known) : undefined
  if (open > 1 || (open === 1 && rest === undefined) || (open === 0 && known !== size)) {
    throw shapeMismatch('Reshape', x.dims, dims, `${size} elements against ${known}${open ? ' × ?' : ''}`)
  }
  const full = dims.map((dim) => (dim === -1 && rest !== undefined ? rest : dim))
  return full.join() === x.dims.join() ? x : x.graph.apply('Reshape', [x], { dims: full }, x.dtype, full)
}

/** Output axis `i` is input axis `permutation[i]`. */
export function transpose<T extends DType>(x: Value<T>, permutation: readonly number[]): Value<T> {
  if ([...permutation].sort((a, b) => a - b).join() !== x.dims.map((_, i) => i).join()) {
    throw new GraphError('permutation', {
      message: `Transpose: [${permutation}] of shape ${formatDims(x.dims)}`,
      hint: 'Name each axis once.',
    })
  }
  const dims = permutation.map((axis) => x.dims[axis]!)
  return x.graph.apply('Transpose', [x], { permutation: [...permutation] }, x.dtype, dims)
}

/** Swaps the last two axes. */
export function swapLast<T extends DType>(x: Value<T>): Value<T> {
  const axes = x.dims.map((_, i) => i)
  return transpose(x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2])
}

/** Repeats axes of size 1 to fill `dims`. */
export function expand<T extends DType>(x: Value<T>, dims: readonly Dim[]): Value<T> {
  const offset = dims.length - x.dims.length
  if (offset < 0 || x.dims.some((dim, i) => dim !== 1 && dim !== dims[i + offset]))
    throw shapeMismatch('Expand', x.dims, dims, 'only axes of size 1 can grow')
  return x.dims.join() === dims.join() ? x : x.graph.apply('Expand', [x], { dims: [...dims] }, x.dtype, dims)
}

/** Joins values along `axis`; the other axes agree. */
export function concat<T extends DType>(values: readonly Value<T>[], axis: number): Value<T> {
  const [first, ...rest] = values
  if (first === undefined)
    throw new GraphError('empty', { message: 'Concat of no values', hint: 'Give at least one.' })
  if (rest.length === 0) return first
  const along = axisOf('Concat', first, axis)
  for (const value of rest) {
    if (
      value.dims.length !== first.dims.length ||
      value.dims.some((dim, i) => i !== along && dim !== first.dims[i])
    ) {
      throw shapeMismatch('Concat', first.dims, value.dims, `all axes but ${along} must agree`)
    }
  }
  const dims = first.dims.map((dim, i) =>
    i === along ? addDims(...values.map((value) => value.dims[along]!)) : dim,
  )
  return first.graph.apply('Concat', values, { axis: along }, first.dtype, dims)
}

/**
 * Elements `start … end − 1` of one axis; negative numbers count from the end; without `end`, up to
 * the end.
 */
export function slice<T extends DType>(x: Value<T>, axis: number, start: number, end?: number): Value<T> {
  const along = axisOf('Slice', x, axis)
  const size = x.dims[along]!
  const from = start < 0 ? addDims(size, start) : start
  const to = end === undefined ? size : end < 0 ? addDims(size, end) : end
  return sliceAt(x, along, from, addDims(to, multiplyDims(-1, from)))
}

/** Elements `start … start + length − 1` of one axis; both may be symbolic. */
export function sliceAt<T extends DType>(x: Value<T>, axis: number, start: Dim, length: Dim): Value<T> {
  const size = x.dims[axis]!
  const outside = (dim: Dim) =>
    typeof dim === 'number' && (dim < 0 || (typeof size === 'number' && dim > size))
  if (outside(start) || outside(length) || outside(addDims(start, length))) {
    throw new GraphError('slice', {
      message: `Slice: ${length} elements from ${start} of axis ${axis} of ${formatDims(x.dims)}`,
      hint: 'Stay within the axis.',
    })
  }
  if (start === 0 && length === size) return x
  const dims = x.dims.map((dim, i) => (i === axis ? length : dim))
  return x.graph.apply('Slice', [x], { axis, start, length }, x.dtype, dims)
}

/** Zeros before and after along one axis. */
export function pad(x: Value<'f32'>, axis: number, before: Dim, after: Dim): Value<'f32'> {
  const along = axisOf('Pad', x, axis)
  if (before === 0 && after === 0) return x
  const dims = x.dims.map((dim, i) => (i === along ? addDims(before, dim, after) : dim))
  return x.graph.apply('Pad', [x], { axis: along, before, after }, 'f32', dims)
}

/** Repeats each head `r` times, side by side: keys and values of grouped-query attention. */
export function repeatEach<T extends DType>(x: Value<T>, axis: number, repeats: number): Value<T> {
  if (repeats === 1) return x
  const along = axisOf('Expand', x, axis)
  const before = x.dims.slice(0, along + 1)
  const after = x.dims.slice(along + 1)
  const wide = expand(reshape(x, [...before, 1, ...after]), [...before, repeats, ...after])
  return reshape(wide, [...x.dims.slice(0, along), multiplyDims(x.dims[along]!, repeats), ...after])
}
