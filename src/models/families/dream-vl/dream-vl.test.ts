import { expect, test } from 'vitest'
import { editText, negated, swap } from '../../../../test/broken-fixture.ts'
import { dreamVl7b } from '../../../../test/configs/published.ts'
import { expectReference, testMistakes } from '../../../../test/family-reference.ts'
import { sizeOf } from '../../../foundation/numeric/tensor.ts'
import { modelParameters } from '../parameters.ts'
import { modelOf } from '../registry.ts'
import { dreamSize } from './picture.ts'

test('equals the reference at every stage', async () => {
  await expectReference('dream-vl', [
    'position_ids',
    'vision',
    'merger',
    'projector',
    'layer.00',
    'causal/norm',
    'pool.mask-shifted',
  ])
})

test("the repository's config asks for the published number of tensors and parameters", () => {
  const slots = modelParameters(modelOf(dreamVl7b))
  expect(slots).toHaveLength(734)
  expect(slots.reduce((sum, { dims }) => sum + sizeOf(dims), 0)).toBe(8_317_072_896)
})

const config = (from: string | RegExp, to: string) => editText('checkpoint/config.json', from, to)

testMistakes('dream-vl', [
  [
    'a resize filter',
    'grey',
    'pixel_values',
    editText('checkpoint/preprocessor_config.json', '"resample": 3', '"resample": 2'),
  ],
  ['another template', 'grey', 'prompt', editText('checkpoint/chat_template.json', 'helpful', 'kind')],
  [
    'another start token',
    'mrope',
    'position_ids',
    config('"vision_start_token_id": 439', '"vision_start_token_id": 440'),
  ],
  ['the activation of the tower', 'grey', 'vision', config('quick_gelu', 'gelu')],
  ['the norm of the merger', 'grey', 'merger', negated('visual.merger.ln_q.weight')],
  [
    'the activation of the projector',
    'grey',
    'projector',
    config('"projector_hidden_act": "gelu"', '"projector_hidden_act": "silu"'),
  ],
  ['a bias of the projector', 'grey', 'projector', negated('projector.linear_1.bias')],
  [
    'other sections',
    'mrope',
    'layer.00',
    config(/"mrope_section": \[\s*2,\s*3,\s*3\s*\]/, '"mrope_section": [3, 3, 2]'),
  ],
  [
    'swapped projections',
    'text',
    'layer.00',
    swap('model.layers.0.self_attn.k_proj.bias', 'model.layers.0.self_attn.v_proj.bias'),
  ],
])

/** Limits of pixels of the published file, and those that the model was trained with. */
const limits = { published: { min: 3136, max: 3_211_264 }, trained: { min: 401_408, max: 3_211_264 } }

test.each([
  [480, 640, [476, 644], [560, 756]],
  [1080, 1920, [1092, 1932], [1092, 1932]],
  [3000, 4000, [1540, 2044], [1540, 2044]],
  [224, 224, [224, 224], [644, 644]],
  [100, 70, [112, 56], [784, 532]],
  [27, 27, [56, 56], [644, 644]],
  [12, 20, [56, 84], [504, 840]],
  [20, 12, [84, 56], [840, 504]],
  [20, 300, [28, 420], [168, 2464]],
  [1, 50, [28, 1400], [112, 4480]],
  [27, 29, [56, 84], [616, 672]],
])('a picture of %i×%i pixels is resized as published', (height, width, published, trained) => {
  const size = (at: keyof typeof limits) => {
    const found = dreamSize({ width, height }, 28, limits[at])
    return [found.height, found.width]
  }
  expect(size('published')).toEqual(published)
  expect(size('trained')).toEqual(trained)
})

test('strips are refused: long ones of a full side, and those of which nothing is left', () => {
  expect(() => dreamSize({ width: 28 * 201, height: 28 }, 28, limits.published)).toThrow(/longer than 200/)
  expect(() => dreamSize({ width: 5000, height: 1 }, 28, limits.published)).toThrow(/nothing is left/)
})
