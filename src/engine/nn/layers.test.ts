import { describe, expect, test } from 'vitest'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { f32, i64, sizeOf, type Tensor } from '../../foundation/numeric/tensor.ts'
import { compile } from '../graph/compile.ts'
import { Graph, type Value } from '../graph/graph.ts'
import { openSession } from '../runtime/session.ts'
import { memoryWeights } from '../runtime/weights.ts'
import { type AttentionNames, selfAttention } from './attention.ts'
import { gatedMlp } from './mlp.ts'
import { patchEmbedding } from './patch-embedding.ts'
import { rotaryOf, rotate } from './rotary.ts'
import { rootScope, type ScopeOptions } from './scope.ts'

const random = (dims: number[], key: string): Tensor<'f32'> =>
  f32(dims, fillNormal(new Float32Array(sizeOf(dims)), 1, stream(1, key)))

/** Runs what `build` makes of the feeds; an i64 feed is declared as such. */
async function run(
  feeds: Record<string, Tensor>,
  build: (
    graph: Graph,
    input: (name: string) => Value<'f32'>,
    whole: (name: string) => Value<'i64'>,
  ) => Value,
  weights: Record<string, Tensor> = {},
): Promise<Tensor> {
  const graph = new Graph()
  const y = build(
    graph,
    (name) => graph.input(name, 'f32', feeds[name]!.dims),
    (name) => graph.input(name, 'i64', feeds[name]!.dims),
  )
  graph.output('y', y)
  const session = await openSession(compile(graph), { weights: memoryWeights(weights), thread: 'caller' })
  const results = await session.run(feeds)
  await session.close()
  return results.y!
}

describe('rotary positions', () => {
  const headDim = 8
  const theta = 10_000
  // Both sides of the blocks of 256, and far out where an f32 sine of the plain angle would be off.
  const positions = [0, 1, 255, 256, 257, 1000, 4095, 131_071]

  test('each pair turns by its angle, at any distance', async () => {
    const x = random([1, positions.length, 1, headDim], 'x')
    const y = await run({ x, positions: i64([1, positions.length], positions) }, (graph, input, whole) =>
      rotate(input('x'), rotaryOf(graph, whole('positions'), { headDim, theta, maxPositions: 131_072 })),
    )
    const expected = positions.flatMap((position, row) => {
      const at = (i: number) => x.data[row * headDim + i]!
      const angle = (i: number) => position * theta ** ((-2 * (i % 4)) / headDim)
      return Array.from({ length: headDim }, (_, i) =>
        i < 4
          ? at(i) * Math.cos(angle(i)) - at(i + 4) * Math.sin(angle(i))
          : at(i) * Math.cos(angle(i)) + at(i - 4) * Math.sin(angle(i)),
      )
    })
    expect(y.data).toBeAllClose(expected, { atol: 1e-6 })
  })
})

describe('layers with weights', () => {
  test('a gated block: down(silu(gate) · up)', async () => {
    const weights = {
      'mlp.g.weight': f32([2, 1], [1, -1]),
      'mlp.u.weight': f32([2, 1], [2, 3]),
      'mlp.d.weight': f32([1, 2], [1, 10]),
    }
    const y = await run(
      { x: f32([1, 1], [0.5]) },
      (graph, input) =>
        gatedMlp(
          rootScope(graph).under('mlp'),
          input('x'),
          { gate: 'g', up: 'u', down: 'd' },
          { hidden: 1, inner: 2, activation: 'silu' },
        ),
      weights,
    )
    const silu = (x: number) => x / (1 + Math.exp(-x))
    expect(y.data).toBeAllClose([silu(0.5) * 1 + 10 * silu(-0.5) * 1.5])
  })

  test('patches are read channel, row, column, row-major; the remainder is dropped', async () => {
    // One output that reads the last pixel of the second channel of each 2×2 patch.
    const kernel = f32([1, 2, 2, 2], [0, 0, 0, 0, 0, 0, 0, 1])
    const pixels = f32(
      [1, 2, 5, 4],
      Float32Array.from({ length: 40 }, (_, i) => i),
    )
    const y = await run(
      { pixels },
      (graph, input) =>
        patchEmbedding(rootScope(graph), input('pixels'), 'conv', {
          channels: 2,
          patch: 2,
          hidden: 1,
          bias: true,
        }),
      { 'conv.weight': kernel, 'conv.bias': f32([1], [0.5]) },
    )
    expect(y.dims).toEqual([1, 4, 1])
    expect(y.data).toBeAllClose([25.5, 27.5, 33.5, 35.5])
  })

  test('a picture smaller than a patch is refused', () => {
    const graph = new Graph()
    const pixels = graph.input('pixels', 'f32', [1, 3, 4, 20])
    expect(() =>
      patchEmbedding(rootScope(graph), pixels, 'conv', { channels: 3, patch: 5, hidden: 1, bias: false }),
    ).toThrow(/patches of 5/)
  })

  test('self-attention projects with the names and biases that it is given', () => {
    const graph = new Graph()
    const names: AttentionNames = {
      query: 'q',
      key: 'k',
      value: 'v',
      output: 'o',
      inputBias: true,
      outputBias: false,
    }
    const x = graph.input('x', 'f32', ['batch', 'seq', 8])
    const y = selfAttention(
      rootScope(graph).under('attn'),
      x,
      names,
      { hidden: 8, heads: 4, keyValueHeads: 2, headDim: 2 },
      {},
    )
    expect(y.dims).toEqual(['batch', 'seq', 8])
    const slots = compiledWith(graph, y).weights.map(({ name, dims }) => `${name} ${dims}`)
    expect(slots.sort()).toEqual([
      'attn.k.bias 4',
      'attn.k.weight 4,8',
      'attn.o.weight 8,8',
      'attn.q.bias 8',
      'attn.q.weight 8,8',
      'attn.v.bias 4',
      'attn.v.weight 4,8',
    ])
  })
})

function compiledWith(graph: Graph, y: Value) {
  graph.output('y', y)
  return compile(graph)
}

describe('scope', () => {
  const linearWith = (options: ScopeOptions) => {
    const graph = new Graph()
    return compiledWith(
      graph,
      rootScope(graph, options)
        .under('a')
        .linear(graph.input('x', 'f32', ['n', 3]), 'b', 3, 2),
    )
  }

  test.each<[string, ScopeOptions, fed: string[], frozen: string[]]>([
    ['frozen f32 weights by default', {}, [], ['a.b.weight f32', 'a.b.bias f32']],
    ['the stored dtype', { storedDtype: () => 'bf16' }, [], ['a.b.weight bf16', 'a.b.bias bf16']],
    [
      'trained weights are fed as f32',
      { storedDtype: () => 'f16', trainable: (name) => name === 'a.b.weight' },
      ['a.b.weight'],
      ['a.b.bias f16'],
    ],
    [
      'an adapter is fed beside frozen weights',
      { adapter: (name) => (name === 'a.b' ? { rank: 1, scale: 2 } : undefined) },
      ['a.b.lora_A.weight', 'a.b.lora_B.weight'],
      ['a.b.weight f32', 'a.b.bias f32'],
    ],
  ])('%s', (_, options, fed, frozen) => {
    const compiled = linearWith(options)
    expect(compiled.inputs.map(({ name }) => name).filter((name) => name !== 'x')).toEqual(fed)
    expect(compiled.weights.map(({ name, dtype }) => `${name} ${dtype}`)).toEqual(frozen)
  })

  test.each([false, true])('x·Wᵀ + b + scale·(x·Aᵀ)·Bᵀ, merged: %s', async (merged) => {
    const feeds = {
      x: f32([1, 2], [1, 2]),
      'l.lora_A.weight': f32([1, 2], [3, 4]),
      'l.lora_B.weight': f32([1, 1], [5]),
    }
    const graph = new Graph()
    const scope = rootScope(graph, { adapter: () => ({ rank: 1, scale: 0.5, merged }) })
    const compiled = compiledWith(graph, scope.linear(graph.input('x', 'f32', [1, 2]), 'l', 2, 1))
    const weights = memoryWeights({ 'l.weight': f32([1, 2], [10, 100]), 'l.bias': f32([1], [7]) })
    const session = await openSession(compiled, { weights, thread: 'caller' })
    const { y } = await session.run(feeds)
    await session.close()
    expect(y!.data).toBeAllClose([10 + 200 + 7 + 0.5 * (3 + 8) * 5])
  })

  test.each([false, true])(
    'DoRA: rows of W + scale·B·A with the lengths of the magnitudes, merged: %s',
    async (merged) => {
      const graph = new Graph()
      const scope = rootScope(graph, { adapter: () => ({ rank: 1, scale: 0.5, dora: true, merged }) })
      const compiled = compiledWith(graph, scope.linear(graph.input('x', 'f32', [1, 2]), 'l', 2, 2))
      const weights = memoryWeights({ 'l.weight': f32([2, 2], [2, 2, 0, 1]), 'l.bias': f32([2], [7, 0]) })
      const session = await openSession(compiled, { weights, thread: 'caller' })
      const { y } = await session.run({
        x: f32([1, 2], [1, 2]),
        'l.lora_A.weight': f32([1, 2], [1, 2]),
        'l.lora_B.weight': f32([2, 1], [2, 0]),
        'l.lora_magnitude_vector.weight': f32([2], [10, 3]),
      })
      await session.close()
      // Rows of the sum: [3, 4], of length 5, and [0, 1].
      expect(y!.data).toBeAllClose([(10 / 5) * (3 + 8) + 7, 3 * 2])
    },
  )
})
