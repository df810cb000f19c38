import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { goldenDir, hasGolden } from '../../../test/golden.ts'
import { loadSafetensors, writeSafetensors } from '../../checkpoint/safetensors.ts'
import { f32, type Tensor } from '../../numeric/tensor.ts'
import { verifyModel } from './model.ts'

test.each(['llava', 'llava-next', 'siglip', 'siglip2', 'clip'].filter((name) => hasGolden(name)))(
  '%s equals the reference at every stage',
  async (name) => {
    const report = await verifyModel(goldenDir(name))
    expect(report.failure).toBeUndefined()
    expect(report.compared).toBe(report.expected)
    expect(report.expected).toBeGreaterThan(30)
    expect(Math.max(...report.stages.map(({ worst }) => worst))).toBeLessThan(0.5)
  },
)

const copies = mkdtempSync(join(tmpdir(), 'bifocal-fixtures-'))
afterAll(() => rmSync(copies, { recursive: true, force: true }))

/** A copy of a fixture in which something is wrong. */
function broken(name: string): string {
  const dir = mkdtempSync(join(copies, `${name}-`))
  cpSync(goldenDir(name), dir, { recursive: true })
  return dir
}

type Edit = (dir: string) => Promise<void> | void

const editText =
  (file: string, from: string, to: string): Edit =>
  (dir) => {
    const text = readFileSync(join(dir, file), 'utf8')
    expect(text).toContain(from)
    writeFileSync(join(dir, file), text.replace(from, to))
  }

const editTensors =
  (file: string, edit: (tensors: Map<string, Tensor>) => void): Edit =>
  async (dir) => {
    const tensors = await loadSafetensors(join(dir, file))
    edit(tensors)
    await writeSafetensors(join(dir, file), Object.fromEntries(tensors))
  }

const swap = (a: string, b: string): Edit =>
  editTensors('checkpoint/model.safetensors', (tensors) => {
    const [first, second] = [tensors.get(a)!, tensors.get(b)!]
    expect(first.dims).toEqual(second.dims)
    tensors.set(a, second).set(b, first)
  })

const layer = 'language_model.model.layers.0.self_attn'
const tower = 'vision_tower.vision_model.encoder.layers.1.self_attn'

describe.skipIf(!hasGolden('llava'))('a mistake fails at its own stage', () => {
  test.each<[mistake: string, stage: string, edit: Edit]>([
    ['a swapped decoder tensor', 'layer.00', swap(`${layer}.q_proj.weight`, `${layer}.o_proj.weight`)],
    ['a swapped tower tensor', 'vision', swap(`${tower}.q_proj.weight`, `${tower}.v_proj.weight`)],
    ['a wrong rope base', 'layer.00', editText('checkpoint/config.json', '"rope_theta": 10000.0', '"rope_theta": 500000.0')],
    ['a wrong norm epsilon', 'layer.00', editText('checkpoint/config.json', '"rms_norm_eps": 1e-05', '"rms_norm_eps": 1e-03')],
    ['a wrong resize filter', 'pixel_values', editText('checkpoint/preprocessor_config.json', '"resample": 3', '"resample": 2')],
    ['another feature layer', 'vision', editText('checkpoint/config.json', '"vision_feature_layer": -2', '"vision_feature_layer": -1')],
    [
      'another projector activation',
      'projector',
      editText('checkpoint/config.json', '"projector_hidden_act": "gelu"', '"projector_hidden_act": "silu"'),
    ],
    ['another chat template', 'prompt', editText('checkpoint/chat_template.jinja', 'ASSISTANT:', 'ASSISTANT')],
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
      tensors.set('language_model.model.norm.w', norm).set(`${layer}.k_proj.weight`, f32([2, 2], [1, 2, 3, 4]))
    })(dir)
    await expect(verifyModel(dir)).rejects.toMatchObject({
      code: 'family/weights',
      message: expect.stringMatching(
        /2 of \d+ weights do not fit: .*k_proj\.weight has shape \[2, 2\], the config asks for \[32, 64\]; language_model\.model\.norm\.weight is missing.*Unused tensors: .*norm\.w/s,
      ),
    })
  })
})
