/**
 * @file A decoder with the outliers of a trained one, made by hand: three channels of the residual
 * stream are 40 times the others at every position, one is 6000 times the others at the first
 * position, and three of the gated units are 40 times the others. The weights that read such
 * channels are as much smaller. The mean cosine of the last state to f32 was .9930 when inputs were
 * rounded without a rotation; it is .9988 with one.
 */

import { beforeAll, describe, expect, test } from 'vitest'
import { compile } from '../../../engine/graph/compile.ts'
import type { Precision } from '../../../engine/graph/compiled.ts'
import { Graph } from '../../../engine/graph/graph.ts'
import { rootScope } from '../../../engine/nn/scope.ts'
import { openSession } from '../../../engine/runtime/session.ts'
import { memoryWeights } from '../../../engine/runtime/weights.ts'
import { dot } from '../../../foundation/numeric/linear.ts'
import { fillNormal, stream } from '../../../foundation/numeric/random.ts'
import { mean } from '../../../foundation/numeric/statistics.ts'
import { f32, i64, sizeOf, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { type GatedDecoderShape, gatedDecoder } from './gated.ts'

const [BATCH, SEQ, HIDDEN, INNER] = [8, 24, 256, 640]
const [LARGE, LARGEST] = [40, 6000]
const CHANNELS = [5, 77, 130]
const UNITS = [11, 200, 333]

const shape: GatedDecoderShape = {
  layers: 4,
  hidden: HIDDEN,
  inner: INNER,
  heads: 8,
  keyValueHeads: 8,
  headDim: 32,
  activation: 'silu',
  epsilon: 1e-5,
  ropeTheta: 10_000,
  maxPositions: SEQ,
  queryKeyValueBias: false,
  outputBias: false,
}

/** Random weights; rows and columns of the outliers are scaled. */
function weightOf(name: string, dims: readonly number[]): Tensor<'f32'> {
  const [out = 1, width = 1] = dims
  if (name === 'norm.weight')
    return f32(
      dims,
      Float32Array.from({ length: out }, (_, i) => (CHANNELS.includes(i) ? 1 / LARGE : 1)),
    )
  // Brings the channels that are not large back to 1.
  if (dims.length === 1)
    return f32(dims, new Float32Array(out).fill(LARGE * Math.sqrt(CHANNELS.length / HIDDEN)))
  const values = fillNormal(new Float32Array(sizeOf(dims)), width ** -0.5, stream(1, name))
  return f32(
    dims,
    values.map((value, at) => {
      const [row, column] = [Math.floor(at / width), at % width]
      if (name.endsWith('o_proj.weight')) return 0.45 * value
      if (name.endsWith('down_proj.weight')) return (0.45 * value) / (UNITS.includes(column) ? LARGE : 1)
      const read = CHANNELS.includes(column) ? value / LARGE : value
      return name.endsWith('up_proj.weight') && UNITS.includes(row) ? read * LARGE : read
    }),
  )
}

const states = f32(
  [BATCH, SEQ, HIDDEN],
  fillNormal(new Float32Array(BATCH * SEQ * HIDDEN), 1, stream(2, 'states')).map((value, at) => {
    const [position, channel] = [Math.floor(at / HIDDEN) % SEQ, at % HIDDEN]
    if (position === 0 && channel === CHANNELS[1]) return LARGEST
    return CHANNELS.includes(channel) ? LARGE * (1 + 0.1 * value) : value
  }),
)

async function lastStates(precision: Precision): Promise<Float32Array[]> {
  const graph = new Graph()
  const hidden = graph.input('hidden', 'f32', ['batch', 'seq', HIDDEN])
  const keep = graph.input('keep', 'i64', ['batch', 'seq'])
  graph.output('y', gatedDecoder(rootScope(graph), shape, hidden, { pattern: 'causal', keep }).norm)
  const compiled = compile(graph, { precision })
  const weights = Object.fromEntries(compiled.weights.map(({ name, dims }) => [name, weightOf(name, dims)]))
  const session = await openSession(compiled, { weights: memoryWeights(weights), thread: 'caller' })
  try {
    const every = { hidden: states, keep: i64([BATCH, SEQ], new Array(BATCH * SEQ).fill(1)) }
    const { y } = await session.run(every)
    const data = Float32Array.from(y!.data, Number)
    return Array.from({ length: BATCH }, (_, item) =>
      data.slice(((item + 1) * SEQ - 1) * HIDDEN, (item + 1) * SEQ * HIDDEN),
    )
  } finally {
    await session.close()
  }
}

describe('outliers', () => {
  let exact: Float32Array[]
  beforeAll(async () => {
    exact = await lastStates('f32')
  })

  test('the largest input is thousands of times the median', () => {
    const sizes = states.data.map(Math.abs).sort()
    expect(sizes.at(-1)! / sizes[sizes.length / 2]!).toBeGreaterThan(5000)
  })

  test('int8 keeps the last state: mean cosine .998 and least cosine .995, at least', async () => {
    const reduced = await lastStates('int8')
    const cosines = exact.map(
      (own, item) => dot(own, reduced[item]!) / Math.hypot(...own) / Math.hypot(...reduced[item]!),
    )
    expect(mean(cosines)).toBeGreaterThan(0.998)
    expect(Math.min(...cosines)).toBeGreaterThan(0.995)
  })
})
