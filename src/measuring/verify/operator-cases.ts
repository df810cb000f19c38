/**
 * @file The computation of each named case of an operator fixture, in bifocal's own operators and
 * layers.
 */

import { conv2d, depthToSpace, resizeBilinear, upsampleNearest } from '../../engine/graph/convolution.ts'
import {
  add,
  cos,
  div,
  equal,
  erf,
  exp,
  gelu,
  geluTanh,
  log,
  logSigmoid,
  mul,
  pow,
  quickGelu,
  reciprocal,
  sigmoid,
  silu,
  sin,
  sqrt,
  sub,
  tanh,
  where,
} from '../../engine/graph/elementwise.ts'
import type { Graph, Value } from '../../engine/graph/graph.ts'
import { gather, strided } from '../../engine/graph/indexing.ts'
import { doraLinear, linear, loraLinear, matMul } from '../../engine/graph/matmul.ts'
import {
  crossEntropy,
  groupNorm,
  l2Normalize,
  layerNorm,
  logSumExp,
  maskedMean,
  reduceL2,
  reduceMax,
  reduceMean,
  reduceSum,
  rmsNorm,
  softmax,
  standardise,
} from '../../engine/graph/reduction.ts'
import { concat, repeatEach, reshape, slice, transpose } from '../../engine/graph/shaping.ts'
import { attend, attentionMask } from '../../engine/nn/attention.ts'
import { type Rotary, rotaryOf, rotate } from '../../engine/nn/rotary.ts'
import { f32, i64 } from '../../foundation/numeric/tensor.ts'

/** Nested whole numbers, as JSON holds them. */
export type Integers = number | Integers[]

/** A case of `cases.json`. */
export interface OperatorCase {
  name: string
  attributes: Record<string, unknown>
  integers: Record<string, Integers>
  inputs: string[]
}

/** A case is built from its graph, its inputs by name and its attributes. */
export interface OperatorContext {
  graph: Graph
  of: (input: string) => Value<'f32'>
  has: (input: string) => boolean
  number: (attribute: string, fallback?: number) => number
  text: (attribute: string) => string
  numbers: (attribute: string) => number[]
  /** Whole numbers of the case, flattened. */
  integers: (name: string) => number[]
  /** The same as an `i64` constant of their own shape. */
  whole: (name: string) => Value<'i64'>
  /** The same as f32. */
  real: (name: string) => Value<'f32'>
}

type Build = (at: OperatorContext) => Value<'f32'>

const unary =
  (op: (x: Value<'f32'>) => Value<'f32'>): Build =>
  ({ of }) =>
    op(of('x'))
const binary =
  (op: (a: Value<'f32'>, b: Value<'f32'>) => Value<'f32'>): Build =>
  ({ of }) =>
    op(of('a'), of('b'))

/**
 * Cases by name. A case without an entry of its own takes the longest entry that its name starts
 * with (`gelu-erf-wide` is built as `gelu-erf`).
 */
export const operatorCases: Readonly<Record<string, Build>> = {
  matmul: binary(matMul),
  linear: ({ of }) => linear(of('x'), of('w'), of('b')),
  add: binary(add),
  sub: binary(sub),
  mul: binary(mul),
  div: binary(div),
  'gelu-erf': unary(gelu),
  'gelu-tanh': unary(geluTanh),
  'quick-gelu': unary(quickGelu),
  silu: unary(silu),
  sigmoid: unary(sigmoid),
  'log-sigmoid': unary(logSigmoid),
  exp: unary(exp),
  log: unary(log),
  sqrt: unary(sqrt),
  tanh: unary(tanh),
  erf: unary(erf),
  sin: unary(sin),
  cos: unary(cos),
  reciprocal: unary(reciprocal),
  pow: ({ of, number }) => pow(of('x'), number('exponent')),
  'square-plus-self': ({ of }) => add(mul(of('x'), of('x')), of('x')),
  softmax: ({ of, number }) => softmax(of('x'), number('axis', -1)),
  // A finite floor instead of −inf. Its weights are exactly 0 too, and a row that sees nothing
  // stays finite.
  'softmax-masked': ({ of, real }) => softmax(where(equal(real('keep'), 1), of('x'), -1e30)),
  where: ({ of, real }) => where(equal(real('keep'), 1), of('a'), of('b')),
  'layer-norm': ({ of, number }) => layerNorm(of('x'), of('w'), of('b'), number('eps')),
  'layer-norm-no-weights': ({ of, number }) => standardise(of('x'), number('eps')),
  'rms-norm': ({ of, number }) => rmsNorm(of('x'), of('w'), number('eps')),
  'group-norm': ({ of, number }) => groupNorm(of('x'), of('w'), of('b'), number('groups'), number('eps')),
  embedding: ({ of, whole }) => gather(of('w'), whole('ids')),
  'gather-axis': ({ of, whole, number }) => gather(of('x'), whole('index'), number('axis')),
  'gather-last': lastRows,
  conv2d: ({ of, has, number }) => {
    const side = number('padding', 0)
    const corner = number('pad_right_bottom', 0)
    const padding: [number, number, number, number] = [side, side, side + corner, side + corner]
    return conv2d(of('x'), of('w'), has('b') ? of('b') : undefined, { stride: number('stride', 1), padding })
  },
  'upsample-nearest': ({ of }) => upsampleNearest(of('x'), 2),
  'depth-to-space': ({ of, number }) => depthToSpace(of('x'), number('block')),
  bilinear: ({ of, numbers }) => resizeBilinear(of('x'), numbers('size')[0]!, numbers('size')[1]!),
  'slice-concat': ({ of }) => concat([slice(of('a'), 1, 1, 4), strided(of('b'), 1, 2)], 1),
  'slice-strided': ({ of }) => slice(strided(of('x'), 1, 2), 2, 1, -1),
  'slice-reversed': ({ of }) => strided(of('x'), 1, -1),
  'concat-reuse': ({ of }) => concat([of('x'), mul(of('x'), 2), slice(of('x'), -1, 0, 3)], -1),
  'split-swiglu': ({ of }) => {
    const half = Number(of('x').dims.at(-1)) / 2
    return mul(silu(slice(of('x'), -1, 0, half)), slice(of('x'), -1, half))
  },
  'repeat-heads': ({ of, number }) => repeatEach(of('x'), number('axis'), number('repeats')),
  'transpose-reshape': ({ of }) => {
    const [batch, heads, seq, width] = of('x').dims.map(Number)
    return reshape(transpose(of('x'), [0, 2, 1, 3]), [batch!, seq!, heads! * width!])
  },
  'patch-merge-2x2': ({ of }) => {
    const [batch, height, width, dim] = of('x').dims.map(Number)
    const blocks = reshape(of('x'), [batch!, height! / 2, 2, width! / 2, 2, dim!])
    return reshape(transpose(blocks, [0, 1, 3, 2, 4, 5]), [batch!, (height! * width!) / 4, 4 * dim!])
  },
  'pixel-shuffle-sequence': ({ of, number }) => shuffledSequence(of('x'), number('factor')),
  'pixel-unshuffle': ({ of, number }) => {
    const block = number('block')
    const [batch, channels, height, width] = of('x').dims.map(Number)
    const split = reshape(of('x'), [batch!, channels!, height! / block, block, width! / block, block])
    return reshape(transpose(split, [0, 1, 3, 5, 2, 4]), [
      batch!,
      channels! * block * block,
      height! / block,
      width! / block,
    ])
  },
  'reduce-mean': ({ of }) => reduceMean(of('x'), [1, 2]),
  'reduce-mean-last-keep': ({ of }) => reduceMean(of('x'), [-1], true),
  'reduce-sum-keep': ({ of }) => reduceSum(of('x'), [1], true),
  'reduce-sum-all': ({ of }) => reduceSum(of('x')),
  'reduce-max': ({ of, number }) => reduceMax(of('x'), [number('axis', -1)]),
  'reduce-l2': ({ of }) => reduceL2(of('x')),
  'l2-normalize': unary(l2Normalize),
  logsumexp: ({ of }) => logSumExp(of('x')),
  'logsumexp-keep': ({ of }) => logSumExp(of('x'), -1, true),
  'cross-entropy': ({ graph, of, integers, real }) => {
    const targets = integers('targets')
    // Ignored targets are scored with weight 0; their index only has to be a valid one.
    const valid = targets.map((target) => Math.max(target, 0))
    return crossEntropy(
      of('x'),
      graph.constant(i64([targets.length], valid)),
      where(equal(real('targets'), -100), 0, 1),
    )
  },
  attention: attention,
  'rotary-half': ({ graph, of, number }) => {
    const seq = Number(of('x').dims[2])
    const positions = graph.constant(
      i64(
        [seq],
        Array.from({ length: seq }, (_, p) => p),
      ),
    )
    return rotated(
      of('x'),
      rotaryOf(graph, positions, {
        headDim: Number(of('x').dims[3]),
        theta: number('theta'),
        maxPositions: seq,
      }),
    )
  },
  'rotary-mrope': ({ graph, of, number, numbers, integers }) => {
    const [seq, headDim] = of('x').dims.slice(2).map(Number)
    const angles = multimodalAngles(
      integers('position_ids'),
      numbers('sections'),
      seq!,
      headDim!,
      number('theta'),
    )
    const table = (values: number[]) => graph.constant(f32([1, seq!, 1, headDim! / 2], values))
    return rotated(of('x'), { cos: table(angles.map(Math.cos)), sin: table(angles.map(Math.sin)) })
  },
  'masked-mean-pool': ({ of, real }) => maskedMean(of('x'), real('attention_mask')),
  'masked-scatter-rows': splicedRows,
  'lora-linear': ({ of, number }) =>
    loraLinear(of('x'), { weight: of('w'), down: of('A'), up: of('B'), scale: number('scale') }, of('b')),
  'dora-linear': ({ of, number }) =>
    doraLinear(
      of('x'),
      { weight: of('w'), down: of('A'), up: of('B'), scale: number('scale') },
      of('b'),
      of('m'),
    ),
}

/**
 * The fixture splits heads already, `[batch, heads, seq, headDim]`; our layers keep positions
 * before heads.
 */
function attention({ graph, of, text, integers }: OperatorContext): Value<'f32'> {
  const positionsFirst = (x: Value<'f32'>) => transpose(x, [0, 2, 1, 3])
  const [batch, heads, seq, headDim] = of('q').dims.map(Number)
  const kept = integers('attention_mask')
  const keep = kept.length > 0 ? graph.constant(i64([batch!, seq!], kept)) : undefined
  const mask = attentionMask(graph, text('mask') === 'causal' ? 'causal' : 'bidirectional', seq!, keep)
  const mixed = attend(positionsFirst(of('q')), positionsFirst(of('k')), positionsFirst(of('v')), mask)
  return positionsFirst(reshape(mixed, [batch!, seq!, heads!, headDim!]))
}

function rotated(x: Value<'f32'>, by: Rotary): Value<'f32'> {
  return transpose(rotate(transpose(x, [0, 2, 1, 3]), by), [0, 2, 1, 3])
}

/**
 * Angles of three position streams: section `s` of the frequencies turns by stream `s`.
 * @param positions `[3, seq]` flattened
 * @returns `[seq, headDim / 2]` flattened
 * @see specs/ar-vlms.md §3 (M-RoPE)
 */
function multimodalAngles(
  positions: readonly number[],
  sections: readonly number[],
  seq: number,
  headDim: number,
  theta: number,
): number[] {
  const streams = sections.flatMap((length, stream) => Array.from({ length }, () => stream))
  return Array.from({ length: seq }, (_, p) =>
    streams.map((stream, i) => positions[stream * seq + p]! * theta ** ((-2 * i) / headDim)),
  ).flat()
}

/** Row `index[b]` of each batch element. */
function lastRows({ graph, of, whole }: OperatorContext): Value<'f32'> {
  const [batch, seq, dim] = of('x').dims.map(Number)
  const offsets = graph.constant(
    i64(
      [batch!],
      Array.from({ length: batch! }, (_, b) => b * seq!),
    ),
  )
  return gather(reshape(of('x'), [batch! * seq!, dim!]), add(whole('index'), offsets))
}

/**
 * Rows of `f` replace, in order, the rows of `x` whose id is 4: image features spliced into a
 * sequence.
 */
function splicedRows({ graph, of, real, integers }: OperatorContext): Value<'f32'> {
  const [batch, seq] = of('x').dims.map(Number)
  let row = 0
  const rows = integers('ids').map((id) => (id === 4 ? row++ : 0))
  const spliced = gather(of('f'), graph.constant(i64([batch!, seq!], rows)))
  return where(equal(reshape(real('ids'), [batch!, seq!, 1]), 4), spliced, of('x'))
}

/**
 * Idefics3's connector: blocks of `factor × factor` positions become one position with as many
 * times the channels.
 */
function shuffledSequence(x: Value<'f32'>, factor: number): Value<'f32'> {
  const [batch, length, dim] = x.dims.map(Number)
  const side = Math.sqrt(length!)
  const blocks = reshape(x, [batch!, side / factor, factor, side / factor, factor * dim!])
  return reshape(transpose(blocks, [0, 1, 3, 2, 4]), [batch!, length! / factor ** 2, dim! * factor ** 2])
}
