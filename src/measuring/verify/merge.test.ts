/**
 * @file Every kind of PEFT folder, merged and live, equals the reference; a mistake fails at its
 * own stage.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Edit, editTensors, editText, fixtureCopies, swap } from '../../../test/broken-fixture.ts'
import { goldenDir } from '../../../test/golden.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { verifyMerge } from './merge.ts'

const LIMIT = 300_000

test(
  'all adapters equal the reference',
  async () => {
    const report = await verifyMerge(goldenDir('tune-merge'))
    expect(report.failure).toBeUndefined()
    expect(report.compared).toBe(report.expected)
    expect(report.expected).toBeGreaterThan(90)
    expect(Math.max(...report.stages.map(({ worst }) => worst))).toBeLessThan(0.2)
  },
  LIMIT,
)

// Made by test/oracles/adapters.py; these need no golden fixtures.
const kinds = (name: string) => fileURLToPath(new URL(`../../../test/fixtures/${name}`, import.meta.url))

test('fourteen more kinds of folder equal what PEFT makes of them', async () => {
  const report = await verifyMerge(kinds('adapters'))
  expect(report.failure).toBeUndefined()
  expect(report.compared).toBe(report.expected)
  // One of the base, and of each kind its vectors and every weight that it changes.
  expect(report.expected).toBe(1 + 14 + 128)
  expect(Math.max(...report.stages.map(({ worst }) => worst))).toBeLessThan(0.2)
})

const broken = fixtureCopies()
const brokenKind = fixtureCopies(kinds)
const listed = z.looseObject({ adapters: z.array(z.looseObject({ name: z.string() })) })

/** Leaves one adapter in a copied fixture: the others cost time. */
const only =
  (kept: string): Edit =>
  async (dir) => {
    const path = join(dir, 'cases.json')
    const cases = listed.parse(JSON.parse(readFileSync(path, 'utf8')))
    writeFileSync(
      path,
      JSON.stringify({ ...cases, adapters: cases.adapters.filter(({ name }) => name === kept) }),
    )
    await editTensors('tensors.safetensors', (tensors) => {
      for (const name of tensors.keys())
        if (!name.startsWith(`${kept}/`) && !name.startsWith('base/')) tensors.delete(name)
    })(dir)
  }

const config = (adapter: string, from: string | RegExp, to: string) =>
  editText(`adapter-${adapter}/adapter_config.json`, from, to)
const attention = 'base_model.model.model.language_model.layers.0.self_attn'

/** Changes one tensor of a kind's adapter, number by number. */
const change = (adapter: string, name: string, of: (value: number) => number): Edit =>
  editTensors(`adapter-${adapter}/adapter_model.safetensors`, (tensors) => {
    const { dims, data } = toF32(tensors.get(name)!)
    tensors.set(name, f32(dims, data.map(of)))
  })

describe('a mistake in a kind of folder fails at its own stage', () => {
  test.each<[adapter: string, mistake: string, stage: string, edit: Edit]>([
    [
      'bias-all',
      'a bias turned round',
      'merged',
      change('bias-all', 'base_model.model.model.multi_modal_projector.linear_1.bias', (value) => -value),
    ],
    ['embedding', 'another alpha', 'merged', config('embedding', '"lora_alpha": 4', '"lora_alpha": 5')],
    ['convolution', 'another alpha', 'merged', config('convolution', '"lora_alpha": 4', '"lora_alpha": 5')],
    [
      'tokens',
      'another row trained',
      'merged',
      config('tokens', /("trainable_token_indices": \[\s*1,\s*)7/, '$18'),
    ],
    [
      'lora-bias',
      'biases of zeros',
      'merged',
      change(
        'lora-bias',
        'base_model.model.model.vision_tower.vision_model.encoder.layers.0.mlp.fc1.lora_B.bias',
        () => 0,
      ),
    ],
    [
      'head',
      'a rank-stabilised scale',
      'merged',
      config('head', '"use_rslora": false', '"use_rslora": true'),
    ],
  ])('%s: %s: %s', async (adapter, _, stage, edit) => {
    const dir = brokenKind('adapters')
    await only(adapter)(dir)
    await edit(dir)
    expect((await verifyMerge(dir)).failure?.stage).toBe(stage)
  })
})

describe('a mistake fails at its own stage', () => {
  test.each<[adapter: string, mistake: string, stage: string, edit: Edit]>([
    ['lora', 'another alpha', 'merged', config('lora', '"lora_alpha": 16', '"lora_alpha": 17')],
    [
      'lora',
      'tensors swapped',
      'merged',
      swap(
        `${attention}.q_proj.lora_A.weight`,
        `${attention}.k_proj.lora_A.weight`,
        'adapter-lora/adapter_model.safetensors',
      ),
    ],
    [
      'dora',
      'magnitudes swapped',
      'merged',
      swap(
        `${attention}.q_proj.lora_magnitude_vector`,
        `${attention}.o_proj.lora_magnitude_vector`,
        'adapter-dora/adapter_model.safetensors',
      ),
    ],
    ['patterns', 'a plain scale', 'merged', config('patterns', '"use_rslora": true', '"use_rslora": false')],
    [
      'patterns',
      'another alpha of some modules',
      'merged',
      config('patterns', /"down_proj": 6/, '"down_proj": 7'),
    ],
    [
      'modules-to-save',
      'a module that was not trained whole',
      'changed weights',
      editText('cases.json', /,?\s*"model.multi_modal_projector.linear_2.bias"/, ''),
    ],
    [
      'layers',
      'a weight of the base',
      'base vectors',
      swap(
        'language_model.model.layers.0.mlp.up_proj.weight',
        'language_model.model.layers.0.mlp.gate_proj.weight',
      ),
    ],
  ])(
    '%s: %s: %s',
    async (adapter, _, stage, edit) => {
      const dir = broken('tune-merge')
      await only(adapter)(dir)
      await edit(dir)
      expect((await verifyMerge(dir)).failure?.stage).toBe(stage)
    },
    LIMIT,
  )

  test('ranks that are not those of the tensors are refused', async () => {
    const dir = broken('tune-merge')
    await config('patterns', '"down_proj": 2', '"down_proj": 3')(dir)
    await expect(verifyMerge(dir)).rejects.toMatchObject({
      code: 'checkpoint/adapter-tensors',
      message: expect.stringContaining('down_proj'),
    })
  })

  test('an adapter for another base is refused', async () => {
    const dir = broken('tune-merge')
    await editTensors('adapter-lora/adapter_model.safetensors', (tensors) => {
      for (const [name, value] of [...tensors]) {
        tensors.delete(name)
        tensors.set(name.replace('language_model.layers', 'decoder.blocks'), value)
      }
    })(dir)
    await expect(verifyMerge(dir)).rejects.toMatchObject({
      code: 'checkpoint/adapter-target',
      message: expect.stringMatching(
        /model\.decoder\.blocks\.\d\.\S+\.weight is not in the base model.* more/,
      ),
    })
  })
})
