/**
 * @file Chains that become one operator of the engine's own: the same numbers, and only where
 * nothing between is read.
 */

import { describe, expect, test } from 'vitest'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { f32, i64, sizeOf, type Tensor } from '../../foundation/numeric/tensor.ts'
import { type AttentionPattern, attend, attentionMask } from '../nn/attention.ts'
import { rotaryOf, rotate } from '../nn/rotary.ts'
import { startEngine } from '../runtime/engine.ts'
import { gradients } from './backward.ts'
import { compile } from './compile.ts'
import { add, mul, sub } from './elementwise.ts'
import { Graph, type Value } from './graph.ts'
import { iota } from './indexing.ts'
import { reduceSum } from './reduction.ts'
import { reshape, slice } from './shaping.ts'

const [BATCH, SEQ, HEADS, GROUPS, WIDTH] = [2, 7, 4, 2, 8]

const random = (dims: number[], key: string): Tensor<'f32'> =>
  f32(dims, fillNormal(new Float32Array(sizeOf(dims)), 1, stream(1, key)))
const feeds = {
  q: random([BATCH, SEQ, HEADS, WIDTH], 'q'),
  k: random([BATCH, SEQ, GROUPS, WIDTH], 'k'),
  v: random([BATCH, SEQ, GROUPS, WIDTH], 'v'),
  a: random([BATCH, SEQ, HEADS, WIDTH], 'a'),
  b: random([BATCH, SEQ, HEADS, WIDTH], 'b'),
  keep: i64([BATCH, SEQ], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]),
  left: i64([BATCH, SEQ], [1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1]),
  positions: i64([BATCH, SEQ], [0, 1, 2, 3, 4, 5, 6, 9, 300, 2, 1, 0, 7, 7]),
}

interface Inputs {
  graph: Graph
  q: Value<'f32'>
  k: Value<'f32'>
  v: Value<'f32'>
  keep: Value<'i64'>
  positions: Value<'i64'>
}

function inputs(): Inputs {
  const graph = new Graph()
  const heads = (name: string, count: number) => graph.input(name, 'f32', ['batch', 'seq', count, WIDTH])
  const whole = (name: string) => graph.input(name, 'i64', ['batch', 'seq'])
  return {
    graph,
    q: heads('q', HEADS),
    k: heads('k', GROUPS),
    v: heads('v', GROUPS),
    keep: whole('keep'),
    positions: whole('positions'),
  }
}

/** The output of a model, and whether it names an operator. */
async function run(
  graph: Graph,
  fused: boolean,
  operator: string,
): Promise<{ outputs: Record<string, Tensor>; named: boolean }> {
  const compiled = compile(graph)
  const model = compiled.encode(() => ({ kind: 'inline', tensor: f32([], [0]) }), { fused })
  const engine = await startEngine({ model, buffers: [], providers: ['cpu'], threads: 1, name: 'fusion' })
  const fed = Object.fromEntries(
    Object.entries(feeds).filter(([name]) => compiled.inputs.some((input) => input.name === name)),
  )
  try {
    const names = compiled.outputs.map(({ name }) => name)
    return { outputs: await engine.run(fed, names), named: Buffer.from(model).includes(operator) }
  } finally {
    await engine.close()
  }
}

async function compared(
  build: (at: Inputs) => Value,
  operator: string,
  expected = true,
): Promise<[Tensor, Tensor]> {
  const at = inputs()
  at.graph.output('y', build(at))
  const [plain, fused] = [await run(at.graph, false, operator), await run(at.graph, true, operator)]
  expect([plain.named, fused.named]).toEqual([false, expected])
  return [plain.outputs.y!, fused.outputs.y!]
}

const attention =
  (pattern: AttentionPattern, padded: boolean) =>
  ({ graph, q, k, v, keep }: Inputs) =>
    attend(q, k, v, attentionMask(graph, pattern, 'seq', padded ? keep : undefined))

describe('attention', () => {
  test.each([false, true])('behind a causal mask, with padding %s', async (padded) => {
    const [plain, fused] = await compared(attention('causal', padded), 'GroupQueryAttention')
    // The output of a padded query is undefined.
    const real = (y: Tensor) =>
      Array.from(y.data, Number).slice(0, (2 * SEQ - (padded ? 2 : 0)) * HEADS * WIDTH)
    expect(real(fused)).toBeAllClose(real(plain), { atol: 1e-6 })
  })

  test.each([
    [2, 'right'],
    [3, 'left'],
    [3, 'none'],
    [10, 'right'],
  ] as const)('behind a mask of blocks of %i, padding %s', async (block, side) => {
    const build = ({ graph, q, k, v, keep }: Inputs) => {
      const real = { right: keep, left: graph.input('left', 'i64', ['batch', 'seq']), none: undefined }[side]
      return attend(q, k, v, attentionMask(graph, { block }, 'seq', real))
    }
    const [plain, fused] = await compared(build, 'GroupQueryAttention')
    const rows = (y: Tensor) => {
      const all = Array.from(y.data, Number)
      const row = HEADS * WIDTH
      return side === 'left'
        ? [...all.slice(0, SEQ * row), ...all.slice((SEQ + 2) * row)]
        : all.slice(0, (2 * SEQ - (side === 'right' ? 2 : 0)) * row)
    }
    expect(rows(fused)).toBeAllClose(rows(plain), { atol: 1e-6 })
  })

  test('behind a mask of large blocks stays as it is', async () => {
    const [plain, fused] = await compared(
      ({ graph, q, k, v, keep }) => attend(q, k, v, attentionMask(graph, { block: 100 }, 'seq', keep)),
      'GroupQueryAttention',
      false,
    )
    expect(fused.data).toEqual(plain.data)
  })

  test('of a sequence of padding only stays finite', async () => {
    const hidden = ({ graph, q, k, v, keep }: Inputs) =>
      attend(q, k, v, attentionMask(graph, 'causal', 'seq', sub(keep, keep)))
    const [, fused] = await compared(hidden, 'GroupQueryAttention')
    expect(Array.from(fused.data, Number).every(Number.isFinite)).toBe(true)
  })

  test('of one position to itself', async () => {
    const alone = ({ graph, q, k, v }: Inputs) => {
      const first = (x: Value<'f32'>) => reshape(slice(x, 1, 0, 1), ['batch', 1, x.dims[2]!, WIDTH])
      return attend(first(q), first(k), first(v), attentionMask(graph, 'causal', 1))
    }
    const [plain, fused] = await compared(alone, 'GroupQueryAttention')
    expect(fused.data).toBeAllClose(Array.from(plain.data, Number), { atol: 1e-6 })
  })

  test('without a mask', async () => {
    const open = ({ graph }: Inputs) => {
      const [q, k, v] = ['q', 'a', 'b'].map((name) =>
        graph.input(name, 'f32', ['batch', 'seq', HEADS, WIDTH]),
      )
      return attend(q!, k!, v!)
    }
    const [plain, fused] = await compared(open, 'MultiHeadAttention')
    expect(fused.data).toBeAllClose(Array.from(plain.data, Number), { atol: 1e-6 })
  })

  test('without a mask, of grouped heads stays as it is', async () => {
    const [plain, fused] = await compared(({ q, k, v }) => attend(q, k, v), 'HeadAttention', false)
    expect(fused.data).toEqual(plain.data)
  })

  test('in both directions behind padding stays as it is', async () => {
    const [plain, fused] = await compared(attention('bidirectional', true), 'GroupQueryAttention', false)
    expect(fused.data).toEqual(plain.data)
  })

  test('behind another mask of the same shape stays as it is', async () => {
    const scored = ({ graph, q, k, v }: Inputs) =>
      attend(q, k, v, add(attentionMask(graph, 'causal', 'seq')!, 1e9))
    const [plain, fused] = await compared(scored, 'GroupQueryAttention', false)
    expect(fused.data).toEqual(plain.data)
  })

  test('stays as it is where a gradient reads its weights', async () => {
    const at = inputs()
    const y = attention('causal', true)(at)
    at.graph.output('slope', gradients(reduceSum(mul(y, y)), [at.q])[0]!)
    const [plain, fused] = [
      await run(at.graph, false, 'GroupQueryAttention'),
      await run(at.graph, true, 'GroupQueryAttention'),
    ]
    expect(fused.named).toBe(false)
    expect(fused.outputs.slope!.data).toEqual(plain.outputs.slope!.data)
  })
})

describe('rotation', () => {
  const shape = { headDim: WIDTH, theta: 100, maxPositions: 512 }

  test('by positions of each sequence', async () => {
    const turned = ({ graph, q, positions }: Inputs) => rotate(q, rotaryOf(graph, positions, shape))
    const [plain, fused] = await compared(turned, 'RotaryEmbedding')
    expect(fused.data).toBeAllClose(Array.from(plain.data, Number), { atol: 1e-6 })
  })

  test('by positions that sequences share', async () => {
    const turned = ({ graph, q }: Inputs) => rotate(q, rotaryOf(graph, iota(graph, 'seq'), shape))
    const [plain, fused] = await compared(turned, 'RotaryEmbedding')
    expect(fused.data).toBeAllClose(Array.from(plain.data, Number), { atol: 1e-6 })
  })
})
