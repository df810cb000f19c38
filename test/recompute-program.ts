/**
 * @file A program for a child process: one training step of a small deep decoder. Prints the loss,
 * a number for each gradient, and the bytes that were resident at the peak beyond those before the
 * step (Linux). Argument: `recompute` or `keep`.
 */

import { readFileSync } from 'node:fs'
import { mul } from '../src/engine/graph/elementwise.ts'
import { reduceMean } from '../src/engine/graph/reduction.ts'
import { rootScope } from '../src/engine/nn/scope.ts'
import { openSession } from '../src/engine/runtime/session.ts'
import { memoryWeights } from '../src/engine/runtime/weights.ts'
import { dot } from '../src/foundation/numeric/linear.ts'
import { fillNormal, stream } from '../src/foundation/numeric/random.ts'
import { f32, i64, sizeOf, type Tensor } from '../src/foundation/numeric/tensor.ts'
import { gradientGraph, stepResultOf } from '../src/learning/training/gradient.ts'
import { gatedDecoder } from '../src/models/families/decoders/gated.ts'

const [BATCH, SEQ, HIDDEN] = [32, 64, 64]
const shape = {
  layers: 10,
  hidden: HIDDEN,
  inner: 4 * HIDDEN,
  heads: 4,
  keyValueHeads: 2,
  headDim: HIDDEN / 4,
  activation: 'silu',
  epsilon: 1e-5,
  ropeTheta: 10_000,
  maxPositions: SEQ,
  queryKeyValueBias: true,
  outputBias: false,
} as const

const random = (dims: readonly number[], key: string): Tensor<'f32'> =>
  f32(dims, fillNormal(new Float32Array(sizeOf(dims)), HIDDEN ** -0.5, stream(1, key)))

function resident(which: 'VmHWM' | 'VmRSS'): number {
  const [, kilobytes] =
    new RegExp(`^${which}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

const { compiled, parameters } = gradientGraph((graph) => {
  const scope = rootScope(graph, {
    adapter: () => ({ rank: 4, scale: 2 }),
    recompute: process.argv[2] === 'recompute',
  })
  const hidden = graph.input('hidden', 'f32', ['batch', 'seq', HIDDEN])
  const keep = graph.input('keep', 'i64', ['batch', 'seq'])
  const { norm } = gatedDecoder(scope, shape, hidden, { pattern: 'causal', keep })
  return { loss: reduceMean(mul(norm, graph.input('upstream', 'f32', ['batch', 'seq', HIDDEN]))) }
})
const weights = Object.fromEntries(compiled.weights.map(({ name, dims }) => [name, random(dims, name)]))
const session = await openSession(compiled, { weights: memoryWeights(weights), thread: 'caller', threads: 1 })
const trained = Object.fromEntries(parameters.map(({ name, dims }) => [name, random(dims, name)]))
const feeds = {
  ...trained,
  hidden: random([BATCH, SEQ, HIDDEN], 'hidden'),
  upstream: random([BATCH, SEQ, HIDDEN], 'upstream'),
  keep: i64(
    [BATCH, SEQ],
    Array.from({ length: BATCH * SEQ }, (_, i) => Number(i % SEQ < SEQ - 3)),
  ),
}
const before = resident('VmRSS')
const { loss, gradients } = stepResultOf(await session.run(feeds))
const sums = parameters.map(({ name }) => dot(gradients[name]!.data, trained[name]!.data))
console.log(JSON.stringify({ loss, gradients: sums, grown: resident('VmHWM') - before }))
