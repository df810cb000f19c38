/** @file Gradients of a convolution, with respect to the picture and to the kernels. */

import { i64 } from '../../foundation/numeric/tensor.ts'
import { convolve } from './convolution.ts'
import { GraphError } from './errors.ts'
import type { Value } from './graph.ts'
import { gather } from './indexing.ts'
import { matMul } from './matmul.ts'
import type { ConvolutionGeometry } from './op.ts'
import { reduceSum } from './reduction.ts'
import { concat, pad, reshape, sliceAt, swapLast, transpose } from './shaping.ts'

type F32 = Value<'f32'>

/**
 * A convolution: its picture `[batch, in, height, width]`, its kernels `[out, in, kh, kw]`, and the
 * gradient of its result.
 */
interface ConvolvedValues {
  x: F32
  weight: F32
  upstream: F32
}

/**
 * With steps of 1, which nearly all layers take, the picture's gradient is a convolution with the
 * kernels turned round, and the kernels' is one product for each of their cells. The engine does
 * the latter two to four times faster than the general form, which serves all other steps.
 */
export function convGradients(
  { x, weight, upstream }: ConvolvedValues,
  geometry: ConvolutionGeometry,
): [F32, F32] {
  const { strides, dilations } = geometry
  if ([...strides, ...dilations].some((step) => step !== 1))
    return stridedGradients({ x, weight, upstream }, geometry)
  return [
    pictureGradient({ x, weight, upstream }, geometry),
    kernelGradient({ x, weight, upstream }, geometry),
  ]
}

/** The size of an axis that a convolution must know. */
function knownSize(value: F32, axis: number): number {
  const dim = value.dims[axis]
  if (typeof dim === 'number') return dim
  throw new GraphError('symbolic', {
    message: `Conv: axis ${axis} of [${value.dims}] must be known`,
    hint: 'Only the batch may be symbolic.',
  })
}

/** `[batch, in, height, width]`: `upstream` convolved with the kernels turned by half a turn. */
function pictureGradient({ x, weight, upstream }: ConvolvedValues, { pads }: ConvolutionGeometry): F32 {
  const [out, inner] = weight.dims
  const [kh, kw] = [knownSize(weight, 2), knownSize(weight, 3)]
  const cells = Array.from({ length: kh * kw }, (_, i) => kh * kw - 1 - i)
  const byCell = transpose(reshape(weight, [out!, inner!, kh * kw]), [2, 1, 0])
  const turned = transpose(gather(byCell, x.graph.constant(i64([cells.length], cells))), [1, 2, 0])
  const [top, left] = [kh - 1 - pads[0], kw - 1 - pads[1]]
  // Padding that reaches beyond the kernel saw only zeros: its gradients are cut off.
  const over = [Math.max(0, -top), Math.max(0, -left)] as const
  const bottom = knownSize(x, 2) + over[0] - (knownSize(upstream, 2) + Math.max(0, top) - kh + 1)
  const right = knownSize(x, 3) + over[1] - (knownSize(upstream, 3) + Math.max(0, left) - kw + 1)
  const wide = convolve(upstream, reshape(turned, [inner!, out!, kh, kw]), {
    strides: [1, 1],
    dilations: [1, 1],
    pads: [Math.max(0, top), Math.max(0, left), Math.max(0, bottom), Math.max(0, right)],
  })
  return [2, 3].reduce((value, axis) => sliceAt(value, axis, over[axis - 2]!, knownSize(x, axis)), wide)
}

/** `[out, in, kh, kw]`: for each cell of the kernels, `upstream` times the pixels that it saw. */
function kernelGradient({ x, weight, upstream }: ConvolvedValues, { pads }: ConvolutionGeometry): F32 {
  const [batch, out] = upstream.dims
  const inner = weight.dims[1]
  const [height, width] = [knownSize(upstream, 2), knownSize(upstream, 3)]
  const padded = pad(pad(x, 2, pads[0], pads[2]), 3, pads[1], pads[3])
  const rows = reshape(upstream, [batch!, out!, height * width])
  const cells: F32[] = []
  for (let dy = 0; dy < knownSize(weight, 2); dy++) {
    const band = sliceAt(padded, 2, dy, height)
    for (let dx = 0; dx < knownSize(weight, 3); dx++) {
      const seen = reshape(sliceAt(band, 3, dx, width), [batch!, inner!, height * width])
      cells.push(reshape(reduceSum(matMul(rows, swapLast(seen)), [0]), [1, out!, inner!]))
    }
  }
  return reshape(transpose(concat(cells, 0), [1, 2, 0]), weight.dims)
}

/**
 * With respect to the picture: a transposed convolution. To the kernel: a convolution over the
 * batch, strides and dilations exchanged.
 */
function stridedGradients(
  { x, weight, upstream }: ConvolvedValues,
  { strides, pads, dilations }: ConvolutionGeometry,
): [F32, F32] {
  const reach = (i: 0 | 1) =>
    (knownSize(upstream, i + 2) - 1) * strides[i] -
    pads[i] -
    pads[i === 0 ? 2 : 3] +
    dilations[i] * (knownSize(weight, i + 2) - 1) +
    1
  const outputPadding: [number, number] = [knownSize(x, 2) - reach(0), knownSize(x, 3) - reach(1)]
  const picture = x.graph.apply(
    'ConvTranspose',
    [upstream, weight],
    { strides, pads, dilations, outputPadding },
    'f32',
    x.dims,
  )
  const exchanged: ConvolutionGeometry = { strides: dilations, pads, dilations: strides }
  const wide = convolve(transpose(x, [1, 0, 2, 3]), transpose(upstream, [1, 0, 2, 3]), exchanged)
  const kernel = [2, 3].reduce((value, axis) => sliceAt(value, axis, 0, knownSize(weight, axis)), wide)
  return [picture, transpose(kernel, [1, 0, 2, 3])]
}
