import { join } from 'node:path'
import { expect, test } from 'vitest'
import { editText, fixtureCopies, joinShards, keepCases, negated } from '../../../../test/broken-fixture.ts'
import { diffusionVl3b, qwen25vl3b } from '../../../../test/configs/published.ts'
import { expectReference, testMistakes } from '../../../../test/family-reference.ts'
import { sizeOf } from '../../../foundation/numeric/tensor.ts'
import { smartResize } from '../../../inputs/media/patch-processor.ts'
import { verifyGolden } from '../../../measuring/verify/golden.ts'
import { openCheckpoint } from '../../checkpoint/folder.ts'
import type { VisionLanguageModel } from '../model.ts'
import { modelParameters } from '../parameters.ts'
import { modelOf } from '../registry.ts'

test('stages, masks, losses and gradients equal the reference', async () => {
  await expectReference(
    'diffusionvl',
    ['vision', 'projector', 'layer.00', 'causal/norm', 'bidirectional/norm', 'masks', 'loss'],
    ['t'],
  )
})

test("the published config asks for as many numbers as Qwen2.5-VL's, under its own names", () => {
  const count = (json: Readonly<Record<string, unknown>>) => {
    const slots = modelParameters(modelOf(json))
    return [slots.length, slots.reduce((sum, { dims }) => sum + sizeOf(dims), 0)]
  }
  expect(count(diffusionVl3b)).toEqual(count(qwen25vl3b))
  expect(modelOf(diffusionVl3b)).toMatchObject({
    objective: 'diffusion',
    shape: { nativeAttention: { block: 8 }, maskId: 151_671 },
  })
  expect(modelOf({ ...diffusionVl3b, model_type: 'llada_qwen' }).family).toBe('diffusionvl')
})

test('a model that was not trained by blocks is refused', () => {
  expect(() => modelOf({ ...diffusionVl3b, enable_bd3lm: false })).toThrow(/enable_bd3lm/)
})

const broken = fixtureCopies()
const config = (from: string | RegExp, to: string) => editText('checkpoint/config.json', from, to)
testMistakes(
  'diffusionvl',
  [
    ['another block size', 'text', 'layer.00', config('"bd3lm_block_size": 8', '"bd3lm_block_size": 4')],
    [
      'another template',
      'picture',
      'prompt',
      editText('checkpoint/tokenizer_config.json', 'helpful assistant', 'helper'),
    ],
    ['other limits of pixels', 'picture', 'input_ids', config('"max_pixels": 6912', '"max_pixels": 2304')],
    ['the tower without windows', 'picture', 'vision', config('"window_size": 48', '"window_size": 480')],
    ['the norm of the merger', 'picture', 'projector', negated('model.mm_projector.merger.ln_q.weight')],
    ['a bias of the decoder', 'text', 'layer.00', negated('model.layers.0.self_attn.v_proj.bias')],
  ],
  joinShards,
)

test.each<[mistake: string, stage: string, from: RegExp, to: string]>([
  ['rows that are not filled', 'lengths', /"block_aligned_eos":true/g, '"block_aligned_eos": false'],
  ['another mask', 'loss', /"mask_token_id":474/g, '"mask_token_id": 473'],
  ['degrees drawn apart', 't', /"antithetic":true/g, '"antithetic": false'],
])('a loss of %s fails at %s', async (_, stage, from, to) => {
  const dir = broken('diffusionvl')
  keepCases(dir)
  await editText('cases.json', from, to)(dir)
  expect((await verifyGolden(dir)).failure?.stage).toBe(stage)
})

test.each([
  [640, 480, 420, 588, 315],
  [480, 640, 588, 420, 315],
  [336, 336, 392, 392, 196],
  [24, 24, 392, 392, 196],
  [1920, 1080, 364, 672, 312],
  [1280, 720, 364, 672, 312],
  [3000, 2000, 392, 616, 308],
  [100, 1000, 1232, 140, 220],
])('a picture of %i×%i pixels is resized as published', (width, height, rows, columns, tokens) => {
  const size = smartResize({ width, height }, 28, { min: 147_456, max: 262_144 })
  expect([size.height, size.width]).toEqual([rows, columns])
  expect((size.height * size.width) / 28 ** 2).toBe(tokens)
})

test('either placeholder stands for a picture; the limits of config.json win', async () => {
  const dir = broken('diffusionvl')
  const checkpoint = join(dir, 'checkpoint')
  await editText('checkpoint/preprocessor_config.json', '"max_pixels": 6912', '"max_pixels": 691200')(dir)
  const model = modelOf((await openCheckpoint(checkpoint)).config) as VisionLanguageModel
  const processor = await model.processor(checkpoint)
  const picture = { width: 200, height: 200, data: new Uint8Array(3 * 200 * 200) }
  const at = (placeholder: string) =>
    processor.prepare(`a ${placeholder} b`, [picture], { instructionEnd: `a ${placeholder}`.length })
  const [own, training] = [at('<|image_pad|>'), at('<image>')]
  expect(training).toEqual(own)
  expect(own.spans.image[0]![1] - own.spans.image[0]![0]).toBe(9)
  expect(own.spans.tailStart).toBe(own.spans.image[0]![1])
})
