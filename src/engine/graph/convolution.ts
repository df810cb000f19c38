/**
 * @file Two-dimensional convolution of `[batch, channels, height, width]` and the resampling that
 * models use.
 */

import { f32 } from '../../foundation/numeric/tensor.ts'
import { multiplyDims } from './dims.ts'
import { add } from './elementwise.ts'
import { GraphError, shapeMismatch } from './errors.ts'
import type { Value } from './graph.ts'
import { matMul } from './matmul.ts'
import type { ConvolutionGeometry } from './op.ts'
import { expand, reshape, transpose } from './shaping.ts'

export interface ConvOptions {
  stride?: number
  /** Zeros around the picture: one number for all sides, or `[top, left, bottom, right]`. */
  padding?: number | [number, number, number, number]
}

/**
 * Convolution (cross-correlation, as everywhere in the field).
 * @param x `[batch, in, height, width]`, height and width known
 * @param weight `[out, in, kh, kw]`
 * @param bias `[out]`
 * @returns `[batch, out, h, w]`
 */
export function conv2d(
  x: Value<'f32'>,
  weight: Value<'f32'>,
  bias?: Value<'f32'>,
  { stride = 1, padding = 0 }: ConvOptions = {},
): Value<'f32'> {
  const pads: ConvolutionGeometry['pads'] =
    typeof padding === 'number' ? [padding, padding, padding, padding] : padding
  const y = convolve(x, weight, { strides: [stride, stride], pads, dilations: [1, 1] })
  return bias === undefined ? y : add(y, reshape(bias, [1, bias.dims[0]!, 1, 1]))
}

/** The bare operator. */
export function convolve(x: Value<'f32'>, weight: Value<'f32'>, geometry: ConvolutionGeometry): Value<'f32'> {
  const [batch, channels, ...size] = x.dims
  const [out, inner, ...kernel] = weight.dims
  if (x.dims.length !== 4 || weight.dims.length !== 4 || channels !== inner)
    throw shapeMismatch('Conv', x.dims, weight.dims, 'a picture and kernels of as many channels')
  const { pads, strides, dilations } = geometry
  const spatial = [0, 1].map((i) => {
    const extent =
      known(size[i], x) + pads[i]! + pads[i + 2]! - dilations[i]! * (known(kernel[i], weight) - 1) - 1
    return Math.floor(extent / strides[i]!) + 1
  })
  return x.graph.apply('Conv', [x, weight], geometry, 'f32', [batch!, out!, ...spatial])
}

function known(dim: number | string | undefined, of: Value): number {
  if (typeof dim === 'number') return dim
  throw new GraphError('symbolic', {
    message: `Conv: height and width must be known, got [${of.dims}]`,
    hint: 'Only the batch may be symbolic.',
  })
}

/** Each pixel becomes a `factor × factor` block. */
export function upsampleNearest(x: Value<'f32'>, factor: number): Value<'f32'> {
  const [batch, channels, height, width] = x.dims
  const wide = expand(reshape(x, [batch!, channels!, height!, 1, width!, 1]), [
    batch!,
    channels!,
    height!,
    factor,
    width!,
    factor,
  ])
  return reshape(wide, [batch!, channels!, multiplyDims(height!, factor), multiplyDims(width!, factor)])
}

/** Channels `c·b² + dy·b + dx` to blocks of `b × b` pixels (ONNX order "CRD"). */
export function depthToSpace(x: Value<'f32'>, block: number): Value<'f32'> {
  const [batch, , height, width] = x.dims
  const split = reshape(x, [batch!, -1, block, block, height!, width!])
  const moved = transpose(split, [0, 1, 4, 2, 5, 3])
  return reshape(moved, [batch!, moved.dims[1]!, multiplyDims(height!, block), multiplyDims(width!, block)])
}

/**
 * Weights of linear interpolation from `from` to `to` samples, corners not aligned, no antialias:
 * `[to, from]`.
 * @see specs/lavida.md §4.4 (PyTorch `interpolate`)
 */
export function interpolationMatrix(from: number, to: number): Float32Array {
  const weights = new Float32Array(to * from)
  for (let i = 0; i < to; i++) {
    const at = Math.max(((i + 0.5) * from) / to - 0.5, 0)
    const low = Math.min(Math.floor(at), from - 1)
    const share = at - low
    weights[i * from + low]! += 1 - share
    weights[i * from + Math.min(low + 1, from - 1)]! += share
  }
  return weights
}

/**
 * Bilinear resize of `[…, height, width]` of known size: two constant matrix products, so the
 * gradient is free.
 */
export function resizeBilinear(x: Value<'f32'>, height: number, width: number): Value<'f32'> {
  const [fromHeight, fromWidth] = x.dims.slice(-2).map((dim) => known(dim, x))
  const rows = x.graph.constant(f32([height, fromHeight!], interpolationMatrix(fromHeight!, height)))
  const columns = x.graph.constant(f32([width, fromWidth!], interpolationMatrix(fromWidth!, width)))
  return matMul(matMul(rows, x), transpose(columns, [1, 0]))
}
