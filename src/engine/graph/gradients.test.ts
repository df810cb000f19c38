/** @file Every gradient rule against central differences of the forward pass, run on the engine. */

import { describe, expect, test } from 'vitest'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { f32, i64, sizeOf, type Tensor } from '../../foundation/numeric/tensor.ts'
import { openSession } from '../runtime/session.ts'
import { memoryWeights } from '../runtime/weights.ts'
import { gradients } from './backward.ts'
import { compile } from './compile.ts'
import { conv2d } from './convolution.ts'
import {
  add,
  cast,
  cos,
  div,
  equal,
  erf,
  exp,
  gelu,
  geluTanh,
  log,
  mul,
  neg,
  pow,
  reciprocal,
  sigmoid,
  silu,
  sin,
  softplus,
  sqrt,
  sub,
  tanh,
  where,
} from './elementwise.ts'
import { Graph, type Value } from './graph.ts'
import { gather, gatherElements, scatterElements } from './indexing.ts'
import { gemm, matMul } from './matmul.ts'
import { after } from './recompute.ts'
import { layerNorm, logSoftmax, reduceMax, reduceMean, reduceSum, rmsNorm, softmax } from './reduction.ts'
import { rotatePairs } from './rotation.ts'
import { concat, expand, pad, reshape, slice, transpose } from './shaping.ts'

type F = Value<'f32'>
interface Case {
  name: string
  dims: number[][]
  build: (...inputs: F[]) => F
  /** Inputs stay positive: for logarithms and roots. */
  positive?: boolean
}

const one = (name: string, op: (x: F) => F, positive = false): Case => ({
  name,
  dims: [[3, 4]],
  build: op,
  positive,
})
const indices = (graph: Graph, dims: number[], values: number[]) => graph.constant(i64(dims, values))

const cases: Case[] = [
  { name: 'Add', dims: [[3, 4], [4]], build: (a, b) => add(a, b) },
  {
    name: 'Sub',
    dims: [
      [3, 1],
      [3, 4],
    ],
    build: (a, b) => sub(a, b),
  },
  {
    name: 'Mul',
    dims: [
      [3, 4],
      [3, 1],
    ],
    build: (a, b) => mul(a, b),
  },
  { name: 'Div', dims: [[3, 4], [4]], build: (a, b) => div(a, b), positive: true },
  one('Pow', (x) => pow(x, 3)),
  one('Neg', neg),
  one('Exp', exp),
  one('Log', log, true),
  one('Sqrt', sqrt, true),
  one('Reciprocal', reciprocal, true),
  one('Tanh', tanh),
  one('Sigmoid', sigmoid),
  one('Softplus', softplus),
  one('Erf', erf),
  one('Sin', sin),
  one('Cos', cos),
  one('Silu', silu),
  one('Gelu', gelu),
  one('Gelu tanh', geluTanh),
  {
    name: 'MatMul',
    dims: [
      [2, 3, 4],
      [4, 2],
    ],
    build: (a, b) => matMul(a, b),
  },
  {
    name: 'MatMul broadcast both',
    dims: [
      [2, 1, 3, 4],
      [5, 4, 2],
    ],
    build: (a, b) => matMul(a, b),
  },
  { name: 'Gemm', dims: [[3, 4], [4, 2], [2]], build: (a, b, bias) => gemm(a, b, { bias }) },
  {
    name: 'Gemm Aᵀ',
    dims: [
      [4, 3],
      [4, 2],
    ],
    build: (a, b) => gemm(a, b, { transposeA: true }),
  },
  {
    name: 'Gemm Bᵀ',
    dims: [
      [3, 4],
      [2, 4],
    ],
    build: (a, b) => gemm(a, b, { transposeB: true }),
  },
  {
    name: 'Gemm AᵀBᵀ',
    dims: [
      [4, 3],
      [2, 4],
    ],
    build: (a, b) => gemm(a, b, { transposeA: true, transposeB: true }),
  },
  one('Softmax', (x) => softmax(x, 0)),
  one('LogSoftmax', (x) => logSoftmax(x)),
  { name: 'LayerNorm', dims: [[3, 4], [4], [4]], build: (x, w, b) => layerNorm(x, w, b, 1e-5) },
  { name: 'RmsNorm', dims: [[3, 4], [4]], build: (x, w) => rmsNorm(x, w, 1e-5) },
  one('ReduceSum', (x) => reduceSum(x, [0])),
  one('ReduceMean', (x) => reduceMean(x, [1], true)),
  one('ReduceMax', (x) => reduceMax(x, [1])),
  one('Reshape', (x) => reshape(x, [2, -1])),
  { name: 'Transpose', dims: [[2, 3, 4]], build: (x) => transpose(x, [2, 0, 1]) },
  { name: 'Expand', dims: [[3, 1]], build: (x) => expand(x, [2, 3, 4]) },
  {
    name: 'Concat',
    dims: [
      [3, 1],
      [3, 2],
    ],
    build: (a, b) => concat([a, b, a], 1),
  },
  one('Slice', (x) => slice(x, 1, 1, -1)),
  one('Pad', (x) => pad(x, 0, 1, 2)),
  one('Gather', (x) => gather(x, indices(x.graph, [2, 2], [0, 2, 2, 1]), 0)),
  one('Gather axis 1', (x) => gather(x, indices(x.graph, [3], [3, 0, 3]), 1)),
  one('GatherElements', (x) => gatherElements(x, indices(x.graph, [3, 2], [0, 1, 1, 1, 3, 0]), 1)),
  one('ScatterElements', (x) =>
    scatterElements([3, 6], indices(x.graph, [3, 4], [0, 1, 1, 5, 2, 2, 2, 2, 5, 4, 3, 3]), x, 1),
  ),
  {
    name: 'Where',
    dims: [[3, 4], [4]],
    build: (a, b) => where(equal(indices(a.graph, [3, 1], [0, 1, 0]), 0), a, b),
  },
  {
    name: 'Conv',
    dims: [[2, 3, 5, 6], [4, 3, 3, 2], [4]],
    build: (x, w, b) => conv2d(x, w, b, { stride: 2, padding: [0, 1, 2, 1] }),
  },
  ...(
    [
      ['as in most layers', 1],
      ['without padding', 0],
      ['more padding than the kernel reaches', [3, 0, 1, 2]],
    ] as const
  ).map(([what, padding]) => ({
    name: `Conv, steps of 1, ${what}`,
    dims: [[2, 3, 5, 6], [4, 3, 3, 2], [4]],
    build: (x: F, w: F, b: F) =>
      conv2d(x, w, b, { padding: typeof padding === 'number' ? padding : [...padding] }),
  })),
  {
    name: 'Rotate',
    dims: [
      [2, 3, 2, 8],
      [1, 3, 1, 4],
      [1, 3, 1, 4],
    ],
    build: (x, cosines, sines) => rotatePairs(x, cosines, sines),
  },
  one('Cast', (x) => cast(x, 'f32')),
  one('After', (x) => after(x, exp(x))),
]

const STEP = 1e-2

/** A fixed smooth scalar of the result, so that every output element matters differently. */
function probe(y: F): F {
  const weights = fillNormal(new Float32Array(sizeOf(y.dims.map(Number))), 1, stream('probe', y.dims.join()))
  return reduceSum(mul(y, y.graph.constant(f32(y.dims.map(Number), weights))))
}

describe('gradient rules equal central differences', () => {
  test.each(cases)('$name', async ({ name, dims, build, positive }) => {
    const graph = new Graph()
    const inputs = dims.map((shape, i) => graph.input(`x${i}`, 'f32', shape))
    const loss = probe(build(...inputs))
    graph.output('loss', loss)
    for (const [i, gradient] of gradients(loss, inputs).entries()) graph.output(`gradient${i}`, gradient)
    const session = await openSession(compile(graph), { weights: memoryWeights({}), thread: 'caller' })
    const feeds: Record<string, Tensor<'f32'>> = {}
    dims.forEach((shape, i) => {
      const values = fillNormal(new Float32Array(sizeOf(shape)), 1, stream(name, i))
      feeds[`x${i}`] = f32(shape, positive ? values.map((v) => 0.6 + Math.abs(v)) : values)
    })
    const at = async (outputs: string[]) => session.run(feeds, { outputs })
    const lossAt = async () => Number((await at(['loss'])).loss!.data[0])
    for (const [i, shape] of dims.entries()) {
      const analytic = (await at([`gradient${i}`]))[`gradient${i}`]!
      expect(analytic.dims).toEqual(shape)
      const values = feeds[`x${i}`]!.data
      const numeric: number[] = []
      for (let k = 0; k < values.length; k++) {
        const held = values[k]!
        values[k] = held + STEP
        const above = await lossAt()
        values[k] = held - STEP
        const below = await lossAt()
        values[k] = held
        numeric.push((above - below) / (2 * STEP))
      }
      expect(Array.from(analytic.data, Number)).toBeAllClose(numeric, { atol: 6e-3, rtol: 3e-3 })
    }
    await session.close()
  })
})
