import { expect, test } from 'vitest'
import { lavidaSpellings } from './weights.ts'

test.each([
  ['model.transformer.wte.weight', 'model.embed_tokens.weight'],
  ['model.transformer.blocks.7.attn_out.weight', 'model.layers.7.self_attn.o_proj.weight'],
  ['model.transformer.blocks.7.ff_norm.weight', 'model.layers.7.post_attention_layernorm.weight'],
  ['model.transformer.blocks.7.ff_proj.weight', 'model.layers.7.mlp.gate_proj.weight'],
  ['model.transformer.blocks.31.ff_out.weight', 'model.layers.31.mlp.down_proj.weight'],
  ['model.transformer.ff_out.weight', 'lm_head.weight'],
  ['model.transformer.ln_f.weight', 'model.norm.weight'],
])('%s is also spelt %s', (name, other) => {
  expect(lavidaSpellings(name, { backbone: 'llada' })).toEqual([name, other])
})

test('the picture part and Dream have one spelling', () => {
  expect(lavidaSpellings('model.mm_projector.0.weight', { backbone: 'llada' })).toEqual([
    'model.mm_projector.0.weight',
  ])
  expect(lavidaSpellings('model.layers.0.mlp.up_proj.weight', { backbone: 'dream' })).toEqual([
    'model.layers.0.mlp.up_proj.weight',
  ])
})
