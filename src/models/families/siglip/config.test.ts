import { expect, test } from 'vitest'
import { parseSiglipConfig } from './config.ts'

const defaults = parseSiglipConfig({ text_config: {}, vision_config: {} })

test.each([
  ['absent', {}],
  ['null', { text_config: null, vision_config: null }],
])('a tower whose config is %s has the defaults of the class', (_, json) =>
  expect(parseSiglipConfig(json)).toEqual(defaults),
)

test('…_config_dict is CLIP’s alone: as in transformers, SigLIP ignores it', () => {
  expect(parseSiglipConfig({ text_config_dict: { hidden_size: 64, num_attention_heads: 4 } })).toEqual(
    defaults,
  )
})
