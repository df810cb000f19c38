/** @file Adapters joined: the joined change is the sum that the method promises. */

import { describe, expect, test } from 'vitest'
import { stream } from '../../foundation/numeric/random.ts'
import { f32, type Tensor, zeros } from '../../foundation/numeric/tensor.ts'
import { type Adapter, type AdapterConfig, initialAdapter, type LowRankUpdate } from './adapter.ts'
import { mergedWeight } from './adapter-merge.ts'
import { mixedAdapter } from './adapter-mix.ts'
import { rankOf, scaleOf } from './adapter-targets.ts'

const OUT = 12
const IN = 20

function random(seed: string, dims: readonly number[]): Tensor<'f32'> {
  const next = stream('mix', seed)
  return f32(
    dims,
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => next() - 0.5),
  )
}

/** An adapter with random updates of some modules. */
function adapter(
  seed: string,
  {
    rank = 3,
    modules = ['a.q_proj', 'a.v_proj'],
    ...config
  }: Partial<AdapterConfig> & { modules?: string[] } = {},
): Adapter {
  const layers = modules.map((module) => ({ module, inFeatures: IN, outFeatures: OUT }))
  const fresh = initialAdapter(layers, { rank, alpha: 2 * rank, seed: 1 })
  const updates = modules.map((module): [string, LowRankUpdate] => [
    module,
    {
      down: random(`${seed} ${module} down`, [rank, IN]),
      up: random(`${seed} ${module} up`, [OUT, rank]),
      scale: 2,
      ...(config.dora ? { magnitude: random(`${seed} ${module} m`, [OUT]) } : {}),
    },
  ])
  return { config: { ...fresh.config, ...config }, modules: new Map(updates) }
}

/** The change of a weight of zeros. */
const change = ({ modules }: Adapter, module = 'a.q_proj') => {
  const update = modules.get(module)
  if (update === undefined) return zeros([OUT, IN]).data
  const { magnitude: _, ...plain } = update
  return mergedWeight(zeros([OUT, IN]), plain).data
}
const blend = (a: Float32Array, x: number, b: Float32Array, y: number) =>
  a.map((value, i) => x * value + y * b[i]!)

const [one, two] = [adapter('one'), adapter('two', { rank: 2 })]
const shares = (first: number, second: number) => [
  { name: 'one', adapter: one, weight: first },
  { name: 'two', adapter: two, weight: second },
]

describe('mean', () => {
  test('is that of the products, whatever the ranks', () => {
    const { adapter: joined, kept } = mixedAdapter(shares(3, 1))
    expect(kept).toBe(1)
    expect(change(joined)).toBeAllClose(blend(change(one), 0.75, change(two), 0.25), { atol: 1e-6 })
    expect(joined.config).toMatchObject({ rank: 5, alpha: 5 })
  })

  test('counts a module that only one has as unchanged in the other; its rank gets a pattern', () => {
    const lone = adapter('lone', { modules: ['a.q_proj'] })
    const { adapter: joined } = mixedAdapter([...shares(1, 1), { name: 'lone', adapter: lone, weight: 2 }])
    expect(change(joined, 'a.v_proj')).toBeAllClose(
      blend(change(one, 'a.v_proj'), 0.25, change(two, 'a.v_proj'), 0.25),
      { atol: 1e-6 },
    )
    expect(rankOf(joined.config, 'a.q_proj')).toBe(8)
    expect(rankOf(joined.config, 'a.v_proj')).toBe(5)
    expect(scaleOf(joined.config, 'a.v_proj')).toBe(1)
  })

  test('of tensors that were trained whole', () => {
    const whole = (seed: string) => ({ ...adapter(seed), replaced: new Map([['p.bias', random(seed, [4])]]) })
    const { adapter: joined } = mixedAdapter([
      { name: 'x', adapter: whole('x'), weight: 1 },
      { name: 'y', adapter: whole('y'), weight: 3 },
    ])
    expect(joined.replaced!.get('p.bias')!.data).toBeAllClose(
      blend(random('x', [4]).data, 0.25, random('y', [4]).data, 0.75),
      { atol: 1e-6 },
    )
  })
})

describe('a smaller rank', () => {
  test('that the sum has anyway loses nothing', () => {
    const { adapter: joined, kept } = mixedAdapter(
      [
        { name: 'one', adapter: one, weight: 1 },
        { name: 'one again', adapter: one, weight: 1 },
      ],
      { rank: 3 },
    )
    expect(kept).toBeCloseTo(1, 9)
    expect(joined.config.rank).toBe(3)
    expect(change(joined)).toBeAllClose(change(one), { atol: 1e-5 })
  })

  test.each([1, 2, 4])('%d: nothing of that rank is nearer, and the rest is what `kept` says', (rank) => {
    const whole = change(mixedAdapter(shares(1, 1)).adapter)
    const { adapter: joined, kept } = mixedAdapter(shares(1, 1), { rank })
    const cut = change(joined)
    const squared = (values: Float32Array) => values.reduce((sum, value) => sum + value * value, 0)
    const rest = squared(blend(whole, 1, cut, -1)) / squared(whole)
    const q = joined.modules.get('a.q_proj')!
    expect(q.down.dims).toEqual([rank, IN])
    // `kept` is the least of all modules.
    expect(rest).toBeLessThanOrEqual(1 - kept + 1e-6)
    // The best approximation is orthogonal to its rest, and rows of A are as long as columns of B.
    expect(squared(cut) / squared(whole)).toBeCloseTo(1 - rest, 5)
    expect(squared(q.down.data)).toBeCloseTo(squared(q.up.data), 3)
  })

  test('of factors that are wider than the weight', () => {
    const wide = (seed: string) => ({ name: seed, adapter: adapter(seed, { rank: 15 }), weight: 1 })
    const { adapter: joined, kept } = mixedAdapter([wide('w'), wide('x')], { rank: OUT })
    expect(kept).toBeCloseTo(1, 9)
    expect(change(joined)).toBeAllClose(change(mixedAdapter([wide('w'), wide('x')]).adapter), { atol: 1e-5 })
  })
})

describe('slerp', () => {
  test.each([0.25, 0.5])('goes %d of the angle between two changes', (share) => {
    const { adapter: joined } = mixedAdapter(shares(1 - share, share), { method: 'slerp' })
    const [a, b] = [change(one), change(two)]
    const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0)
    const angle = Math.acos(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)))
    const expected = blend(
      a,
      Math.sin((1 - share) * angle) / Math.sin(angle),
      b,
      Math.sin(share * angle) / Math.sin(angle),
    )
    expect(change(joined)).toBeAllClose(expected, { atol: 1e-6 })
  })

  test('between equal adapters is that adapter', () => {
    const same = [
      { name: 'one', adapter: one, weight: 1 },
      { name: 'one again', adapter: one, weight: 2 },
    ]
    expect(change(mixedAdapter(same, { method: 'slerp' }).adapter)).toBeAllClose(change(one), { atol: 1e-6 })
  })
})

test('DoRA: changes and magnitudes are mixed', () => {
  const [x, y] = [adapter('x', { dora: true }), adapter('y', { dora: true })]
  const { adapter: joined } = mixedAdapter([
    { name: 'x', adapter: x, weight: 1 },
    { name: 'y', adapter: y, weight: 1 },
  ])
  const magnitude = ({ modules }: Adapter) => modules.get('a.q_proj')!.magnitude!.data
  expect(magnitude(joined)).toBeAllClose(blend(magnitude(x), 0.5, magnitude(y), 0.5), { atol: 1e-6 })
  expect(joined.config.dora).toBe(true)
})

describe('refused', () => {
  const third = { name: 'three', adapter: adapter('three'), weight: 1 }
  const bad = (second: Adapter) => [
    { name: 'one', adapter: one, weight: 1 },
    { name: 'two', adapter: second, weight: 1 },
  ]
  const replaced = new Map([['p.bias', random('p', [4])]])
  test.each<[string, Parameters<typeof mixedAdapter>, RegExp]>([
    ['one adapter', [[third]], /fewer than two/],
    ['SLERP of three', [[...shares(1, 1), third], { method: 'slerp' }], /between two/],
    ['a weight of zero', [shares(1, 0)], /two has the weight 0/],
    ['DoRA and LoRA', [bad(adapter('two', { dora: true }))], /DoRA/],
    ['a tensor that only one has', [bad({ ...adapter('two'), replaced })], /p\.bias/],
  ])('%s', (_, args, message) => {
    expect(() => mixedAdapter(...args)).toThrow(
      expect.objectContaining({ code: 'checkpoint/adapter-mix', message: expect.stringMatching(message) }),
    )
  })
})
