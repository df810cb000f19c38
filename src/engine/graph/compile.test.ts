/**
 * @file Graph building, compilation and what the engine then computes: shapes are checked before
 * anything runs.
 */

import { describe, expect, test } from 'vitest'
import { f32, i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import { openSession } from '../runtime/session.ts'
import { memoryWeights } from '../runtime/weights.ts'
import { gradients, vectorJacobian } from './backward.ts'
import { compile } from './compile.ts'
import { add, mul, stopGradient } from './elementwise.ts'
import { Graph, type Value } from './graph.ts'
import { gather, scatterAdd } from './indexing.ts'
import { linear, matMul } from './matmul.ts'
import { reduceMean, reduceSum, softmax } from './reduction.ts'
import { concat, expand, reshape, slice, transpose } from './shaping.ts'

async function run(
  graph: Graph,
  feeds: Record<string, Tensor>,
  weights: Record<string, Tensor> = {},
): Promise<Record<string, Tensor>> {
  const session = await openSession(compile(graph), { weights: memoryWeights(weights), thread: 'caller' })
  try {
    return await session.run(feeds)
  } finally {
    await session.close()
  }
}

describe('shape errors come while building and name the operator and both shapes', () => {
  const graph = new Graph()
  const x = graph.input('x', 'f32', ['batch', 'seq', 8])
  const w = graph.parameter('w', 'f32', [4, 6])
  test.each<[string, () => Value, RegExp]>([
    ['add', () => add(x, w), /Add: shapes \[batch, seq, 8\] and \[4, 6\]/],
    ['matMul', () => matMul(x, w), /MatMul: shapes \[batch, seq, 8\] and \[4, 6\].*8 and 4/],
    ['linear', () => linear(x, w), /Gemm: shapes \[batch\*seq, 8\] and \[4, 6\].*8 and 6/],
    ['reshape', () => reshape(x, ['batch', 5, -1]), /Reshape/],
    [
      'concat',
      () => concat([w, graph.parameter('v', 'f32', [3, 5])], 0),
      /Concat: shapes \[4, 6\] and \[3, 5\]/,
    ],
    ['expand', () => expand(w, [2, 4, 7]), /Expand: shapes \[4, 6\] and \[2, 4, 7\]/],
    ['slice', () => slice(w, 1, 2, 9), /Slice/],
    ['transpose', () => transpose(w, [0, 0]), /Transpose/],
    ['softmax', () => softmax(w, 2), /Softmax: axis 2/],
    ['scatterAdd', () => scatterAdd([5, 6], graph.constant(i64([3], [0, 1, 2])), w), /ScatterElements/],
    ['another graph', () => add(x, new Graph().input('y', 'f32', [8])), /another graph/],
    [
      'one name, two shapes',
      () => graph.parameter('w', 'f32', [6, 4]),
      /w is declared as f32 \[4,6\] and again/,
    ],
    ['a vector as loss', () => gradients(x, [x])[0]!, /shape \[batch,seq,8\]/],
    ['no dependence', () => gradients(reduceSum(stopGradient(x)), [x])[0]!, /does not depend on x/],
  ])('%s', (_name, build, message) => {
    expect(build).toThrow(message)
  })

  test('a size that no input has is refused when compiling', async () => {
    const other = new Graph()
    const row = other.input('row', 'f32', [1, 4])
    other.output('y', expand(row, ['rows', 4]))
    expect(() => compile(other).encode(() => ({ kind: 'inline', tensor: f32([], [0]) }))).toThrow(
      /no input has an axis of size rows/,
    )
  })
})

describe('compiled graphs', () => {
  test('equal nodes are shared', () => {
    const graph = new Graph()
    const x = graph.input('x', 'f32', [4])
    expect(add(mul(x, 2), 1)).toBe(add(mul(x, 2), 1))
    expect(add(x, 1)).not.toBe(add(x, 2))
  })

  test('only what the outputs need is compiled', () => {
    const graph = new Graph()
    const x = graph.input('x', 'f32', [4])
    mul(x, graph.parameter('unused', 'f32', [4]))
    graph.output('y', mul(x, graph.parameter('used', 'f32', [4])))
    expect(compile(graph).weights.map(({ name }) => name)).toEqual(['used'])
    expect(() => compile(graph, { outputs: ['z'] })).toThrow(/no output named z/)
  })

  test('symbolic sizes are read off the inputs, sums and products of them too', async () => {
    const graph = new Graph()
    const a = graph.input('a', 'f32', ['batch', 'seq', 2])
    const b = graph.input('b', 'f32', ['batch', 'image', 2])
    const joined = concat([b, a], 1)
    graph.output('flat', reshape(joined, ['batch', -1]))
    graph.output('rows', reshape(transpose(joined, [1, 0, 2]), [-1, 2]))
    graph.output(
      'wide',
      expand(reshape(reduceMean(joined, [2]), ['batch', 1, 'image+seq']), ['batch', 'seq', 'image+seq']),
    )
    const { flat, rows, wide } = await run(graph, {
      a: f32([1, 2, 2], [1, 2, 3, 4]),
      b: f32([1, 1, 2], [5, 6]),
    })
    expect(flat).toMatchObject({ dims: [1, 6], data: Float32Array.of(5, 6, 1, 2, 3, 4) })
    expect(rows!.dims).toEqual([3, 2])
    expect(wide).toMatchObject({ dims: [1, 2, 3], data: Float32Array.of(5.5, 1.5, 3.5, 5.5, 1.5, 3.5) })
  })

  test('gradients of repeated rows add up; unused rows get zero', async () => {
    const graph = new Graph()
    const table = graph.input('table', 'f32', [4, 2])
    const ids = graph.input('ids', 'i64', ['n'])
    const [gradient] = vectorJacobian(
      [{ output: gather(table, ids), upstream: graph.input('up', 'f32', ['n', 2]) }],
      [table],
    )
    graph.output('gradient', gradient!)
    const { gradient: got } = await run(graph, {
      ids: i64([3], [1, 3, 1]),
      up: f32([3, 2], [1, 2, 10, 20, 100, 200]),
    })
    expect(got!.data).toEqual(Float32Array.of(0, 0, 101, 202, 0, 0, 10, 20))
  })

  test('a mean over symbolic axes has the right gradient', async () => {
    const graph = new Graph()
    const x = graph.input('x', 'f32', ['batch', 'seq'])
    graph.output('gradient', gradients(reduceMean(mul(x, x)), [x])[0]!)
    const { gradient } = await run(graph, { x: f32([2, 2], [1, 2, 3, 4]) })
    expect(gradient!.data).toBeAllClose([0.5, 1, 1.5, 2])
  })
})
