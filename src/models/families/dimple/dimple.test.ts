import { expect, test } from 'vitest'
import { editText, negated } from '../../../../test/broken-fixture.ts'
import { dimple7b } from '../../../../test/configs/published.ts'
import { expectReference, testMistakes } from '../../../../test/family-reference.ts'
import { sizeOf } from '../../../foundation/numeric/tensor.ts'
import { smartResize } from '../../../inputs/media/patch-processor.ts'
import { modelParameters } from '../parameters.ts'
import { modelOf } from '../registry.ts'
import { enlarged } from './picture.ts'

test('equals the reference at every stage', async () => {
  await expectReference('dimple', [
    'position_ids',
    'vision',
    'merger',
    'projector',
    'layer.00',
    'causal/norm',
    'pool.mask-shifted',
  ])
})

test("the class's defaults ask for the published number of tensors and parameters", () => {
  const slots = modelParameters(modelOf(dimple7b))
  expect(slots).toHaveLength(733)
  expect(slots.reduce((sum, { dims }) => sum + sizeOf(dims), 0)).toBe(8_317_863_936)
})

test('a checkpoint of the first stages is causal', () => {
  expect(modelOf(dimple7b)).toMatchObject({ shape: { nativeAttention: 'bidirectional' } })
  expect(modelOf({ ...dimple7b, full_attn_mask: false })).toMatchObject({
    shape: { nativeAttention: 'causal' },
  })
})

const config = (from: string | RegExp, to: string) => editText('checkpoint/config.json', from, to)

testMistakes('dimple', [
  [
    'smaller limits',
    'big',
    'input_ids',
    editText('checkpoint/preprocessor_config.json', /"max_pixels": 6272/g, '"max_pixels": 1568'),
  ],
  ['the tower without windows', 'big', 'vision', config('"window_size": 56', '"window_size": 560')],
  [
    'windows everywhere',
    'big',
    'vision',
    config(/"fullatt_block_indexes": \[\s*1\s*\]/, '"fullatt_block_indexes": [0]'),
  ],
  [
    'a norm of the merger',
    'grey',
    'merger',
    negated('visual.merger.ln_q.weight', 'checkpoint/model-00002-of-00002.safetensors'),
  ],
  [
    'a projector bias',
    'grey',
    'projector',
    negated('img_projector.linear_1.bias', 'checkpoint/model-00001-of-00002.safetensors'),
  ],
  ['causal attention', 'text', 'layer.00', config('"full_attn_mask": true', '"full_attn_mask": false')],
  ['a rope base', 'text', 'layer.00', config('"rope_theta": 1000000.0', '"rope_theta": 10000.0')],
])

const file = { min: 3136, max: 12_845_056 }
const trained = { min: 3136, max: 112_896 }
const picture = (width: number, height: number) => ({
  width,
  height,
  data: new Uint8Array(3 * width * height),
})

test.each([
  [12, 20, [43, 72], [56, 84]],
  [27, 29, [54, 58], [56, 56]],
  [20, 300, [28, 300], [28, 308]],
  [1, 50, [28, 395], [28, 392]],
])('a small picture of %i×%i pixels gets a step of its own', (height, width, before, after) => {
  const made = enlarged(picture(width, height), 28, file)
  expect([made.height, made.width]).toEqual(before)
  const resized = smartResize(made, 28, file)
  expect([resized.height, resized.width]).toEqual(after)
})

test.each([
  [480, 640, 391, 130],
  [1080, 1920, 2691, 144],
  [3000, 4000, 15_301, 130],
])('tokens of %i×%i pixels by the limits of the file and of training', (height, width, published, few) => {
  const tokens = (limits: typeof file) => {
    const size = smartResize({ width, height }, 28, limits)
    return (size.width * size.height) / 28 ** 2
  }
  expect([tokens(file), tokens(trained)]).toEqual([published, few])
})

test('a picture of 28 pixels and more stays as it is; a long strip is cut', () => {
  const large = picture(28, 28 * 150)
  expect(enlarged(large, 28, file)).toBe(large)
  const { width, height } = enlarged(picture(27 * 300, 27), 28, file)
  expect([height, width]).toEqual([28, 28 * 180])
})
