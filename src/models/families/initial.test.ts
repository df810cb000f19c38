import { describe, expect, test } from 'vitest'
import { initialWeights } from './initial.ts'

const slots = [
  { name: 'model.layers.0.input_layernorm.weight', dims: [64] },
  { name: 'model.layers.0.self_attn.q_proj.weight', dims: [64, 64] },
  { name: 'model.layers.0.self_attn.q_proj.bias', dims: [64] },
  { name: 'model.layers.0.self_attn.o_proj.weight', dims: [64, 64] },
  { name: 'model.transformer.blocks.3.ff_out.weight', dims: [64, 64] },
  { name: 'model.transformer.ff_out.weight', dims: [64, 64] },
  { name: 'vision_model.embeddings.class_embedding', dims: [4096] },
  { name: 'vision_model.head.attention.in_proj_bias', dims: [192] },
  { name: 'logit_scale', dims: [1] },
]
const weights = initialWeights(slots, { seed: 5, layers: 8, constants: { logit_scale: 2.5 } })
const spread = (name: string) =>
  Math.sqrt(weights[name]!.data.reduce((sum, x) => sum + x * x, 0) / weights[name]!.data.length)

test.each([
  ['model.layers.0.input_layernorm.weight', 1],
  ['model.layers.0.self_attn.q_proj.bias', 0],
  ['vision_model.head.attention.in_proj_bias', 0],
  ['logit_scale', 2.5],
])('%s starts at %d', (name, value) => {
  expect(new Set(weights[name]!.data)).toEqual(new Set([value]))
})

test.each([
  ['model.layers.0.self_attn.q_proj.weight', 0.02],
  ['model.transformer.ff_out.weight', 0.02],
  ['vision_model.embeddings.class_embedding', 0.02],
  ['model.layers.0.self_attn.o_proj.weight', 0.005],
  ['model.transformer.blocks.3.ff_out.weight', 0.005],
])('%s has standard deviation %d', (name, std) => {
  expect(spread(name) / std).toBeGreaterThan(0.95)
  expect(spread(name) / std).toBeLessThan(1.05)
})

test('values depend on seed and name, not on what else is drawn', () => {
  const alone = initialWeights([slots[3]!], { seed: 5, layers: 8 })
  expect(alone[slots[3]!.name]!.data).toEqual(weights[slots[3]!.name]!.data)
  const other = initialWeights([slots[3]!], { seed: 6, layers: 8 })
  expect(other[slots[3]!.name]!.data).not.toEqual(weights[slots[3]!.name]!.data)
})

test('parameters of one role start alike, whatever their names', () => {
  const named = (name: string) =>
    initialWeights([{ name, dims: [64, 64] }], { seed: 5, layers: 8, roleOf: () => 'query' })[name]!.data
  expect(named('blocks.0.q_proj.weight')).toEqual(named('layers.0.self_attn.q_proj.weight'))
})

describe('matching heads', () => {
  const name = (kind: string) => `model.layers.0.self_attn.${kind}_proj.weight`
  const named = (kinds: readonly string[]) => kinds.map((kind) => ({ name: name(kind), dims: [64, 64] }))
  const matched = initialWeights(named(['q', 'k', 'v']), {
    seed: 5,
    layers: 8,
    matching: { rows: 32, gain: 1 },
  })
  const rows = (kind: string, from: number, to: number) =>
    matched[name(kind)]!.data.subarray(from * 64, to * 64)

  test('have equal queries and keys, of the given gain', () => {
    expect(rows('q', 0, 32)).toEqual(rows('k', 0, 32))
    const spread = Math.sqrt(rows('q', 0, 32).reduce((sum, x) => sum + x * x, 0) / (32 * 64))
    expect(spread * Math.sqrt(64)).toBeGreaterThan(0.95)
    expect(spread * Math.sqrt(64)).toBeLessThan(1.05)
  })

  test('leave the other rows and the values as they are', () => {
    const plain = initialWeights(named(['q', 'k', 'v']), { seed: 5, layers: 8 })
    for (const kind of ['q', 'k'])
      expect(rows(kind, 32, 64)).toEqual(plain[name(kind)]!.data.subarray(32 * 64))
    expect(matched[name('v')]).toEqual(plain[name('v')])
  })
})
