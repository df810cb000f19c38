import { expect, test } from 'vitest'
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
const spread = (name: string) => Math.sqrt(weights[name]!.data.reduce((sum, x) => sum + x * x, 0) / weights[name]!.data.length)

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
  const named = (name: string) => initialWeights([{ name, dims: [64, 64] }], { seed: 5, layers: 8, roleOf: () => 'query' })[name]!.data
  expect(named('blocks.0.q_proj.weight')).toEqual(named('layers.0.self_attn.q_proj.weight'))
})
