import { expect, test } from 'vitest'
import { editText, joinShards, negated } from '../../../../test/broken-fixture.ts'
import { onevisionHalf, sdarVl4b } from '../../../../test/configs/published.ts'
import { expectReference, testMistakes } from '../../../../test/family-reference.ts'
import { tileMap } from '../llava-next/packing.ts'
import { boundedSize } from '../llava-onevision/packing.ts'
import { modelParameters } from '../parameters.ts'
import { modelOf } from '../registry.ts'
import { parseSdarVlConfig } from './config.ts'

test('equals the reference at every stage', async () => {
  await expectReference('sdar-vl', [
    'vision',
    'projector',
    'layer.00',
    'causal/norm',
    'bidirectional/norm',
    'pool.mask',
  ])
})

test("the repository's config asks for all of its tensors but the tower's last norm", () => {
  expect(modelParameters(modelOf(sdarVl4b))).toHaveLength(841 - 2)
  expect(modelOf(sdarVl4b)).toMatchObject({ shape: { nativeAttention: { block: 4 }, maskId: 151_669 } })
})

test('model_type tells it from LLaVA-OneVision, whose architecture it names', () => {
  const architectures = sdarVl4b.architectures
  expect(modelOf(sdarVl4b).family).toBe('sdar-vl')
  expect(modelOf({ ...onevisionHalf, architectures }).family).toBe('llava-onevision')
})

test('a block size has no default', () => {
  const { block_size: _, ...text } = sdarVl4b.text_config
  expect(() => modelOf({ ...sdarVl4b, text_config: text })).toThrow(/block_size/)
})

const config = (from: string | RegExp, to: string) => editText('checkpoint/config.json', from, to)

testMistakes(
  'sdar-vl',
  [
    ['another block size', 'text', 'layer.00', config('"block_size": 4', '"block_size": 5')],
    ['another template', 'text', 'prompt', editText('checkpoint/chat_template.jinja', 'helpful', 'kind')],
    [
      'other levels',
      'picture',
      'pixel_values',
      editText('checkpoint/preprocessor_config.json', '"resample": 3', '"resample": 2'),
    ],
    [
      'an earlier feature layer',
      'picture',
      'vision',
      config('"vision_feature_layer": -1', '"vision_feature_layer": -2'),
    ],
    [
      'the activation of the projector',
      'picture',
      'projector',
      config('"projector_hidden_act": "gelu"', '"projector_hidden_act": "silu"'),
    ],
    ['a rope base', 'text', 'layer.00', config('"rope_theta": 1000000', '"rope_theta": 10000')],
    [
      'a norm of the query heads',
      'text',
      'layer.01',
      negated('language_model.model.layers.1.self_attn.q_norm.weight'),
    ],
  ],
  joinShards,
)

const { grids, maxTiles } = parseSdarVlConfig(sdarVl4b)

test.each([
  [640, 480, 2929],
  [480, 640, 2943],
  [640, 427, 2709],
  [336, 336, 1485],
  [24, 24, 1485],
  [1280, 720, 5967],
  [1920, 1080, 7269],
  [100, 1000, 1539],
  [2300, 2300, 7371],
  [3000, 2000, 7329],
])('a picture of %i×%i pixels takes %i tokens', (width, height, tokens) => {
  const map = tileMap({ width, height }, { grids, tile: 384, side: 27 })
  const [rows, columns] = boundedSize(map, maxTiles, 27)
  expect(27 * 27 + rows * (columns + 1)).toBe(tokens)
})
