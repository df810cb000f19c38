import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import {
  type Edit,
  editTensors,
  editText,
  fixtureCopies,
  keepCases,
  swap,
} from '../../../test/broken-fixture.ts'
import { goldenDir, hasWhole } from '../../../test/golden.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import { openCheckpoint } from '../../models/checkpoint/folder.ts'
import { writeSafetensors } from '../../models/checkpoint/safetensors.ts'
import { lavidaSpellings } from '../../models/families/lavida/weights.ts'
import { verifyMaskedDiffusion } from './masked-diffusion.ts'
import { verifyModel } from './model.ts'

const broken = fixtureCopies()
const verify = (dir: string) => verifyModel(dir, { also: [verifyMaskedDiffusion] })

describe.each(['lavida-llada', 'lavida-dream'])('%s', (name) => {
  // The reduced fixture of LLaDA has no batch.
  const batched = hasWhole(name) || name === 'lavida-dream'

  test('stages, masks, losses and gradients equal the reference', async () => {
    const report = await verify(goldenDir(name))
    expect(report.failure).toBeUndefined()
    expect(report.compared).toBe(report.expected)
    expect(report.expected).toBeGreaterThan(50)
    expect(report.stages.map(({ stage }) => stage)).toEqual(
      expect.arrayContaining([
        'pooled',
        'causal/norm',
        'logits.last',
        'pool.mask-shifted',
        'loss',
        ...(batched ? ['unmasked/norm'] : []),
      ]),
    )
    expect(Math.max(...report.stages.map(({ worst }) => worst))).toBeLessThan(0.5)
  })
})

test('Hugging Face names give the same; layers that LaViDa drops are ignored', async () => {
  const dir = broken('lavida-llada')
  const checkpoint = await openCheckpoint(join(dir, 'checkpoint'))
  const renamed: Record<string, Tensor> = {}
  for (const name of checkpoint.tensors.keys())
    renamed[lavidaSpellings(name, { backbone: 'llada' }).at(-1)!] = await checkpoint.read(name)
  expect(Object.keys(renamed)).toContain('lm_head.weight')
  const tower = 'model.vision_tower.vision_tower.vision_model'
  renamed[`${tower}.encoder.layers.2.layer_norm1.weight`] = f32([32], new Float32Array(32))
  renamed[`${tower}.head.probe`] = f32([1, 1, 32], new Float32Array(32))
  // model.safetensors goes before the index.
  await writeSafetensors(join(dir, 'checkpoint/model.safetensors'), renamed)
  for (const name of [
    'model-00001-of-00002.safetensors',
    'model-00002-of-00002.safetensors',
    'model.safetensors.index.json',
  ])
    rmSync(join(dir, 'checkpoint', name))
  const report = await verify(dir)
  expect(report.failure).toBeUndefined()
  expect(report.compared).toBe(report.expected)
})

const config = (from: string | RegExp, to: string) => editText('checkpoint/config.json', from, to)

/** Changes one weight, number by number. */
const change = (file: string, name: string, of: (value: number) => number): Edit =>
  editTensors(`checkpoint/${file}`, (tensors) => {
    const { dims, data } = toF32(tensors.get(name)!)
    tensors.set(name, f32(dims, data.map(of)))
  })

const [first, second] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const
const block = 'model.transformer.blocks.0'
const tower = 'model.vision_tower.vision_tower.vision_model.encoder.layers.0.self_attn'

describe('a mistake fails at its own stage', () => {
  test.each<[fixture: string, mistake: string, stage: string, edit: Edit]>([
    [
      'lavida-dream',
      'gate and up swapped',
      'layer.00',
      swap('model.layers.0.mlp.gate_proj.weight', 'model.layers.0.mlp.up_proj.weight'),
    ],
    [
      'lavida-dream',
      'a wrong rope base',
      'layer.00',
      config('"rope_theta": 1000000.0', '"rope_theta": 10000.0'),
    ],
    [
      'lavida-dream',
      'another picture',
      'pixel_values',
      async (dir) => {
        const file = join(dir, 'images/scene.png')
        writeFileSync(file, await sharp(readFileSync(file)).flip().png().toBuffer())
      },
    ],
    ['lavida-dream', 'tiles without newlines', 'visual_spans', config('"spatial_unpad"', '"spatial"')],
    ['lavida-dream', 'no pooling', 'visual_spans', config('"bilinear"', '"none"')],
    [
      'lavida-dream',
      'the newline vector zeroed',
      'inputs',
      change('model.safetensors', 'model.image_newline', () => 0),
    ],
    [
      'lavida-dream',
      'scored without its shift',
      'loss',
      editText('cases.json', /"target_shift": true/g, '"target_shift": false'),
    ],
    [
      'lavida-dream',
      'another smallest share of masks',
      'p',
      editText('cases.json', /"epsilon": 0.001/g, '"epsilon": 0.01'),
    ],
  ])('%s, %s: %s', async (name, _, stage, edit) => {
    const dir = broken(name)
    await edit(dir)
    expect((await verify(dir)).failure?.stage).toBe(stage)
  })

  test.each<[mistake: string, stage: string, edit: Edit]>([
    ['other levels', 'pixel_values', config(/"image_mean": \[\s*0.5/, '"image_mean": [0.4')],
    ['tiles without newlines', 'visual_spans', config('"spatial_unpad"', '"spatial"')],
    [
      'query for value in the tower',
      'vision',
      swap(`${tower}.q_proj.weight`, `${tower}.v_proj.weight`, `checkpoint/${second}`),
    ],
    [
      'the projector turned round',
      'projector',
      change(first, 'model.mm_projector.2.weight', (value) => -value),
    ],
    ['a newline of zeros', 'inputs', change(first, 'model.image_newline', () => 0)],
    [
      'gate and up swapped',
      'layer.00',
      swap(`${block}.ff_proj.weight`, `${block}.up_proj.weight`, `checkpoint/${first}`),
    ],
    ['a wrong rope base', 'layer.00', config('"rope_theta": 500000.0', '"rope_theta": 10000.0')],
    ['no final norm', 'norm', change(second, 'model.transformer.ln_f.weight', () => 1)],
    ['the head untrained', 'logits.last', change(second, 'model.transformer.ff_out.weight', () => 0)],
  ])('lavida-llada, %s: %s', async (_, stage, edit) => {
    const dir = broken('lavida-llada')
    keepCases(dir, 'text-only', 'image-vqa-inference-tokens')
    await edit(dir)
    expect((await verifyModel(dir)).failure?.stage).toBe(stage)
  })
})
