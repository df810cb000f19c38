import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { goldenDir, hasGolden } from '../../test/golden.ts'
import { openCheckpoint } from '../checkpoint/folder.ts'
import { loadSafetensors, writeSafetensors } from '../checkpoint/safetensors.ts'
import { verifyModel } from '../embedder/verify/model.ts'
import { lavidaSpellings } from '../families/lavida/weights.ts'
import { f32, type Tensor } from '../numeric/tensor.ts'
import { verifyMaskedDiffusion } from './verify.ts'

const verify = (dir: string) => verifyModel(dir, { also: [verifyMaskedDiffusion] })

describe.each(['lavida-llada', 'lavida-dream'].filter((name) => hasGolden(name)))('%s', (name) => {
  test('stages, masks, losses and gradients equal the reference', async () => {
    const report = await verify(goldenDir(name))
    expect(report.failure).toBeUndefined()
    expect(report.compared).toBe(report.expected)
    expect(report.expected).toBeGreaterThan(150)
    expect(report.stages.map(({ stage }) => stage)).toEqual(
      expect.arrayContaining(['pooled', 'unmasked/norm', 'causal/norm', 'logits.last', 'pool.mask-shifted', 'loss']),
    )
    expect(Math.max(...report.stages.map(({ worst }) => worst))).toBeLessThan(0.5)
  })
})

test.skipIf(!hasGolden('lavida-llada'))('Hugging Face names give the same; layers that LaViDa drops are ignored', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'bifocal-fixture-'))
  cpSync(goldenDir('lavida-llada'), dir, { recursive: true })
  const checkpoint = await openCheckpoint(join(dir, 'checkpoint'))
  const renamed: Record<string, Tensor> = {}
  for (const name of checkpoint.tensors.keys()) renamed[lavidaSpellings(name, { backbone: 'llada' }).at(-1)!] = await checkpoint.read(name)
  expect(Object.keys(renamed)).toContain('lm_head.weight')
  const tower = 'model.vision_tower.vision_tower.vision_model'
  renamed[`${tower}.encoder.layers.2.layer_norm1.weight`] = f32([32], new Float32Array(32))
  renamed[`${tower}.head.probe`] = f32([1, 1, 32], new Float32Array(32))
  // model.safetensors goes before the index.
  await writeSafetensors(join(dir, 'checkpoint/model.safetensors'), renamed)
  for (const name of ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors', 'model.safetensors.index.json'])
    rmSync(join(dir, 'checkpoint', name))
  const report = await verify(dir)
  expect(report.failure).toBeUndefined()
  expect(report.compared).toBe(report.expected)
})

type Edit = (dir: string) => Promise<void> | void

const editText =
  (file: string, from: string, to: string): Edit =>
  (dir) => {
    const text = readFileSync(join(dir, file), 'utf8')
    expect(text).toContain(from)
    writeFileSync(join(dir, file), text.replaceAll(from, to))
  }

const editWeights =
  (edit: (tensors: Map<string, Tensor>) => void): Edit =>
  async (dir) => {
    const file = join(dir, 'checkpoint/model.safetensors')
    const tensors = await loadSafetensors(file)
    edit(tensors)
    await writeSafetensors(file, Object.fromEntries(tensors))
  }

const swap = (a: string, b: string): Edit =>
  editWeights((tensors) => {
    const [first, second] = [tensors.get(a)!, tensors.get(b)!]
    expect(first.dims).toEqual(second.dims)
    tensors.set(a, second).set(b, first)
  })

const otherPicture: Edit = (dir) => cpSync(join(dir, 'images/flip-scene.png'), join(dir, 'images/scene.png'))

const config = 'checkpoint/config.json'

describe.skipIf(!hasGolden('lavida-dream'))('a mistake fails at its own stage', () => {
  test.each<[mistake: string, stage: string, edit: Edit]>([
    ['gate and up swapped', 'layer.00', swap('model.layers.0.mlp.gate_proj.weight', 'model.layers.0.mlp.up_proj.weight')],
    ['a wrong rope base', 'layer.00', editText(config, '"rope_theta": 1000000.0', '"rope_theta": 10000.0')],
    ['another picture', 'pixel_values', otherPicture],
    ['tiles without newlines', 'visual_spans', editText(config, '"spatial_unpad"', '"spatial"')],
    ['no pooling', 'visual_spans', editText(config, '"bilinear"', '"none"')],
    [
      'the newline vector zeroed',
      'inputs',
      editWeights((tensors) => {
        const { dims, dtype } = tensors.get('model.image_newline')!
        expect(dtype).toBe('bf16')
        tensors.set('model.image_newline', { dtype: 'bf16', dims, data: new Uint16Array(dims[0]!) })
      }),
    ],
    ['Dream scored without its shift', 'loss', editText('cases.json', '"target_shift": true', '"target_shift": false')],
    ['another smallest share of masks', 'p', editText('cases.json', '"epsilon": 0.001', '"epsilon": 0.01')],
  ])('%s: %s', async (_, stage, edit) => {
    const dir = mkdtempSync(join(tmpdir(), 'bifocal-fixture-'))
    cpSync(goldenDir('lavida-dream'), dir, { recursive: true })
    await edit(dir)
    expect((await verify(dir)).failure?.stage).toBe(stage)
  })
})
