/**
 * @file The operators of a graph and their attributes: the one list that gradients and encoding are
 * typed by.
 */

import type { DType, Tensor } from '../../foundation/numeric/tensor.ts'
import type { Dim } from './dims.ts'

type None = Record<string, never>
interface Axis {
  axis: number
}
interface Reduction {
  axes: number[]
  keepDims: boolean
}

/** Convolution geometry: `pads` is `[top, left, bottom, right]` in pixels. */
export interface ConvolutionGeometry {
  strides: [number, number]
  pads: [number, number, number, number]
  dilations: [number, number]
}

/** Operators through which gradients flow. */
interface DifferentiableAttributes {
  Add: None
  Sub: None
  Mul: None
  Div: None
  Pow: { exponent: number }
  Neg: None
  Exp: None
  Log: None
  Sqrt: None
  Reciprocal: None
  Tanh: None
  Sigmoid: None
  Softplus: None
  Erf: None
  Sin: None
  Cos: None
  Silu: None
  Gelu: { approximate: 'none' | 'tanh' }
  MatMul: None
  /** 2-D product `op(a)·op(b) (+ c)`; `c` is one row. */
  Gemm: { transposeA: boolean; transposeB: boolean }
  Softmax: Axis
  LogSoftmax: Axis
  LayerNorm: { epsilon: number }
  RmsNorm: { epsilon: number }
  ReduceSum: Reduction
  ReduceMean: Reduction
  ReduceMax: Reduction
  Reshape: { dims: Dim[] }
  Transpose: { permutation: number[] }
  Expand: { dims: Dim[] }
  Concat: Axis
  /** Elements `start … start + length` of one axis. */
  Slice: { axis: number; start: Dim; length: Dim }
  /** Zeros before and after along one axis. */
  Pad: { axis: number; before: Dim; after: Dim }
  Gather: Axis
  GatherElements: Axis
  /** Sums single elements into zeros of `dims`: the transpose of GatherElements. */
  ScatterElements: { axis: number; dims: Dim[] }
  Where: None
  /** `rotatePairs`. */
  Rotate: None
  Conv: ConvolutionGeometry
  /** The first input, not before the second one is known: see `after`. */
  After: None
}

/** Sources, comparisons and casts: no gradient flows through them. */
interface OtherAttributes {
  Input: { name: string }
  Parameter: { name: string; placement: 'frozen' | 'fed' }
  Constant: { tensor: Tensor }
  /** 0, 1, … `length − 1` as `i64`. */
  Iota: { length: Dim }
  Equal: None
  Floor: None
  Less: None
  LessOrEqual: None
  And: None
  Not: None
  StopGradient: None
  /** The gradient of Conv with respect to its input; itself not differentiated. */
  ConvTranspose: ConvolutionGeometry & { outputPadding: [number, number] }
}

/** Casts between floating types pass gradients on; see gradients.ts. */
interface CastAttributes {
  Cast: { to: DType }
}

export type OpAttributes = DifferentiableAttributes & OtherAttributes & CastAttributes
export type DifferentiableOp = keyof DifferentiableAttributes | 'Cast'
export type Op = keyof OpAttributes
