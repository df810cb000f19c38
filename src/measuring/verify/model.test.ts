import { describe, expect, test } from 'vitest'
import { type Edit, editTensors, editText, fixtureCopies, swap } from '../../../test/broken-fixture.ts'
import { goldenDir } from '../../../test/golden.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { verifyModel } from './model.ts'

test.each(['llava', 'llava-next', 'llava-onevision', 'idefics3', 'smolvlm', 'siglip', 'siglip2', 'clip'])(
  '%s equals the reference at every stage',
  async (name) => {
    const report = await verifyModel(goldenDir(name))
    expect(report.failure).toBeUndefined()
    expect(report.compared).toBe(report.expected)
    expect(report.expected).toBeGreaterThan(5)
    expect(Math.max(...report.stages.map(({ worst }) => worst))).toBeLessThan(0.5)
  },
)

const broken = fixtureCopies()

const layer = 'language_model.model.layers.0.self_attn'
const tower = 'vision_tower.vision_model.encoder.layers.1.self_attn'

describe('a mistake fails at its own stage', () => {
  test.each<[mistake: string, stage: string, edit: Edit]>([
    ['a swapped decoder tensor', 'layer.00', swap(`${layer}.q_proj.weight`, `${layer}.o_proj.weight`)],
    ['a swapped tower tensor', 'vision', swap(`${tower}.q_proj.weight`, `${tower}.v_proj.weight`)],
    [
      'a wrong rope base',
      'layer.00',
      editText('checkpoint/config.json', '"rope_theta": 10000.0', '"rope_theta": 500000.0'),
    ],
    [
      'a wrong norm epsilon',
      'layer.00',
      editText('checkpoint/config.json', '"rms_norm_eps": 1e-05', '"rms_norm_eps": 1e-03'),
    ],
    [
      'a wrong resize filter',
      'pixel_values',
      editText('checkpoint/preprocessor_config.json', '"resample": 3', '"resample": 2'),
    ],
    [
      'another feature layer',
      'vision',
      editText('checkpoint/config.json', '"vision_feature_layer": -2', '"vision_feature_layer": -1'),
    ],
    [
      'another projector activation',
      'projector',
      editText('checkpoint/config.json', '"projector_hidden_act": "gelu"', '"projector_hidden_act": "silu"'),
    ],
    [
      'another chat template',
      'prompt',
      editText('checkpoint/chat_template.jinja', 'ASSISTANT:', 'ASSISTANT'),
    ],
    [
      'a NaN weight',
      'layer.00',
      editTensors('checkpoint/model.safetensors', (tensors) =>
        tensors.set(`${layer}.v_proj.weight`, f32([32, 64], new Float32Array(2048).fill(Number.NaN))),
      ),
    ],
    [
      'an expected tensor that nothing compares',
      'coverage',
      editTensors('expected.safetensors', (tensors) => tensors.set('extra/norm', f32([1], [0]))),
    ],
  ])('%s: %s', async (_, stage, edit) => {
    const dir = broken('llava')
    await edit(dir)
    expect((await verifyModel(dir)).failure?.stage).toBe(stage)
  })

  test('weights that are missing or of another shape are listed in one error', async () => {
    const dir = broken('llava')
    await editTensors('checkpoint/model.safetensors', (tensors) => {
      const norm = tensors.get('language_model.model.norm.weight')!
      tensors.delete('language_model.model.norm.weight')
      tensors
        .set('language_model.model.norm.w', norm)
        .set(`${layer}.k_proj.weight`, f32([2, 2], [1, 2, 3, 4]))
    })(dir)
    await expect(verifyModel(dir)).rejects.toMatchObject({
      code: 'family/weights',
      message: expect.stringMatching(
        /2 of \d+ weights do not fit: .*k_proj\.weight has shape \[2, 2\], the config asks for \[32, 64\]; language_model\.model\.norm\.weight is missing.*Unused tensors: .*norm\.w/s,
      ),
    })
  })
})
