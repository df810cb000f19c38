/** @file How each operator is written in ONNX (operator set 21). */

import { i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { Dim } from './dims.ts'
import type { Node } from './graph.ts'
import { type AttributeValue, ONNX_TYPE } from './onnx-model.ts'
import type { Op } from './op.ts'

/**
 * Gives encoders the means to write: nodes, constants, and symbolic sizes as run-time values.
 */
export interface NodeWriter {
  /**
   * Adds an ONNX node and gives the name of its output.
   * @param domain of the operator; default ONNX's own
   */
  emit(
    type: string,
    inputs: readonly string[],
    attributes?: Record<string, AttributeValue>,
    domain?: 'com.microsoft',
  ): string
  constant(value: Tensor): string
  /** Sizes as an `i64` vector, computed when the graph runs where they are symbolic. */
  sizes(dims: readonly Dim[]): string
  /** An empty `i64` vector that is known no sooner than the value of this name. */
  nothingOf(name: string): string
}

/** Gives the name of the node's output. `inputs` are the names of its inputs. */
export type Encoder<O extends Op> = (node: Node<O>, inputs: readonly string[], writer: NodeWriter) => string

const plain =
  <O extends Op>(type: string): Encoder<O> =>
  (_node, inputs, writer) =>
    writer.emit(type, inputs)

const reduction =
  (type: string): Encoder<'ReduceSum' | 'ReduceMean' | 'ReduceMax'> =>
  ({ attributes: { axes, keepDims } }, [x], writer) =>
    writer.emit(type, [x!, writer.constant(i64([axes.length], axes))], { keepdims: keepDims ? 1 : 0 })

const alongAxis =
  (type: string): Encoder<'Softmax' | 'LogSoftmax' | 'Concat' | 'Gather' | 'GatherElements'> =>
  ({ attributes: { axis } }, inputs, writer) =>
    writer.emit(type, inputs, { axis })

/** One encoder for each operator. Sources are placed by compile.ts before any encoder runs. */
export const encoders: { readonly [O in Exclude<Op, 'Input' | 'Parameter'>]: Encoder<O> } = {
  Constant: ({ attributes }, _inputs, writer) => writer.constant(attributes.tensor),
  Iota: ({ attributes }, _inputs, writer) => {
    const whole = (value: number) => writer.constant(i64([], [value]))
    return writer.emit('Range', [
      whole(0),
      writer.emit('Squeeze', [writer.sizes([attributes.length])]),
      whole(1),
    ])
  },
  Add: plain('Add'),
  Sub: plain('Sub'),
  Mul: plain('Mul'),
  Div: plain('Div'),
  Pow: ({ attributes: { exponent } }, [x], writer) =>
    writer.emit('Pow', [x!, writer.constant({ dtype: 'f32', dims: [], data: Float32Array.of(exponent) })]),
  Neg: plain('Neg'),
  Exp: plain('Exp'),
  Log: plain('Log'),
  Sqrt: plain('Sqrt'),
  Reciprocal: plain('Reciprocal'),
  Tanh: plain('Tanh'),
  Sigmoid: plain('Sigmoid'),
  Softplus: plain('Softplus'),
  Erf: plain('Erf'),
  Sin: plain('Sin'),
  Cos: plain('Cos'),
  Silu: (_, [x], writer) => writer.emit('Mul', [x!, writer.emit('Sigmoid', [x!])]),
  Gelu: ({ attributes: { approximate } }, inputs, writer) => writer.emit('Gelu', inputs, { approximate }),
  MatMul: plain('MatMul'),
  Gemm: ({ attributes: { transposeA, transposeB } }, inputs, writer) =>
    writer.emit('Gemm', inputs, { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 }),
  Softmax: alongAxis('Softmax'),
  LogSoftmax: alongAxis('LogSoftmax'),
  LayerNorm: ({ attributes: { epsilon } }, inputs, writer) =>
    writer.emit('LayerNormalization', inputs, { axis: -1, epsilon: { real: epsilon } }),
  // The engine's own name for root-mean-square norm, in the default domain since version 1.
  RmsNorm: ({ attributes: { epsilon } }, inputs, writer) =>
    writer.emit('SimplifiedLayerNormalization', inputs, { axis: -1, epsilon: { real: epsilon } }),
  ReduceSum: reduction('ReduceSum'),
  ReduceMean: reduction('ReduceMean'),
  ReduceMax: reduction('ReduceMax'),
  Reshape: ({ attributes: { dims }, inputs: [from] }, [x], writer) =>
    writer.emit('Reshape', [x!, reshapeTarget(from!.dims, dims, writer)]),
  Transpose: ({ attributes: { permutation } }, inputs, writer) =>
    writer.emit('Transpose', inputs, { perm: permutation }),
  Expand: ({ attributes: { dims } }, [x], writer) => writer.emit('Expand', [x!, writer.sizes(dims)]),
  Concat: alongAxis('Concat'),
  Slice: ({ attributes: { axis, start, length } }, [x], writer) => {
    const from = writer.sizes([start])
    return writer.emit('Slice', [
      x!,
      from,
      writer.emit('Add', [from, writer.sizes([length])]),
      writer.constant(i64([1], [axis])),
    ])
  },
  // Pads of every axis: with the `axes` input, the engine's transpose optimiser (1.30) reads past
  // the end of a short list.
  Pad: ({ attributes: { axis, before, after }, inputs: [from] }, [x], writer) => {
    const at = (amount: Dim) => from!.dims.map((_, i) => (i === axis ? amount : 0))
    return writer.emit('Pad', [x!, writer.sizes([...at(before), ...at(after)])])
  },
  Gather: alongAxis('Gather'),
  GatherElements: alongAxis('GatherElements'),
  ScatterElements: ({ attributes: { axis, dims } }, [indices, updates], writer) =>
    writer.emit(
      'ScatterElements',
      [writer.emit('ConstantOfShape', [writer.sizes(dims)]), indices!, updates!],
      { axis, reduction: 'add' },
    ),
  Where: plain('Where'),
  // Devices without an operator for it get a chain; see fusion.ts.
  Rotate: ({ inputs: [from] }, [x, cos, sin], writer) => {
    const axis = from!.dims.length - 1
    const width = Number(from!.dims[axis])
    const part = (start: number, end: number) =>
      writer.emit('Slice', [x!, ...[start, end, axis].map((value) => writer.constant(i64([1], [value])))])
    const [a, b] = [part(0, width / 2), part(width / 2, width)]
    const product = (half: string, factor: string | undefined) => writer.emit('Mul', [half, factor!])
    const turned = [
      writer.emit('Sub', [product(a, cos), product(b, sin)]),
      writer.emit('Add', [product(b, cos), product(a, sin)]),
    ]
    return writer.emit('Concat', turned, { axis })
  },
  After: (_node, [x, other], writer) => writeAfter(x!, other!, writer),
  Conv: ({ attributes: { strides, pads, dilations } }, inputs, writer) =>
    writer.emit('Conv', inputs, { strides, pads, dilations }),
  ConvTranspose: ({ attributes: { strides, pads, dilations, outputPadding } }, inputs, writer) =>
    writer.emit('ConvTranspose', inputs, { strides, pads, dilations, output_padding: outputPadding }),
  Cast: ({ attributes: { to } }, inputs, writer) => writer.emit('Cast', inputs, { to: ONNX_TYPE[to] }),
  Equal: plain('Equal'),
  Floor: plain('Floor'),
  Less: plain('Less'),
  LessOrEqual: plain('LessOrEqual'),
  And: plain('And'),
  Not: plain('Not'),
  StopGradient: (_node, [x]) => x!,
}

/**
 * Writes `x` again, no sooner than `other`. A change of shape copies nothing, and its new shape is
 * the old one behind no element of the other value's shape: the engine doesn't know it before that
 * value is there.
 */
export function writeAfter(x: string, other: string, writer: NodeWriter): string {
  const shape = writer.emit('Concat', [writer.nothingOf(other), writer.emit('Shape', [x])], { axis: 0 })
  return writer.emit('Reshape', [x, shape])
}

/** Writes a node whose inputs have names. */
export function encodeNode<O extends keyof typeof encoders>(
  node: Node<O>,
  inputs: readonly string[],
  writer: NodeWriter,
): string {
  const encoder: Encoder<O> = encoders[node.op]
  return encoder(node, inputs, writer)
}

/**
 * The dims of an ONNX Reshape. 0 copies a size from the same place, and one −1 is inferred. Where
 * these two are not enough, the sizes are computed at run time.
 */
function reshapeTarget(from: readonly Dim[], to: readonly Dim[], writer: NodeWriter): string {
  const codes = to.map((dim, i) => (typeof dim === 'number' ? dim : dim === from[i] ? 0 : -1))
  if (codes.filter((code) => code === -1).length > 1 || codes.some((code, i) => code === 0 && to[i] === 0))
    return writer.sizes(to)
  return writer.constant(i64([codes.length], codes))
}
