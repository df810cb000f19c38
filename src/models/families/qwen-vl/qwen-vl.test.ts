import { describe, expect, test } from 'vitest'
import {
  type Edit,
  editText,
  fixtureCopies,
  keepCases,
  negated,
  swap,
} from '../../../../test/broken-fixture.ts'
import { goldenDir } from '../../../../test/golden.ts'
import { verifyModel } from '../../../measuring/verify/model.ts'

const names = ['qwen2-vl', 'qwen2.5-vl', 'qwen3-vl']

test.each(names)('%s equals the reference at every stage', async (name) => {
  const report = await verifyModel(goldenDir(name))
  expect(report.failure).toBeUndefined()
  expect(report.compared).toBe(report.expected)
  expect(report.expected).toBeGreaterThan(10)
  expect(report.stages.map(({ stage }) => stage)).toEqual(
    expect.arrayContaining([
      'prompt',
      'input_ids',
      'position_ids',
      'image_grid_thw',
      'pixel_values',
      'vision',
      'projector',
    ]),
  )
  expect(Math.max(...report.stages.map(({ worst }) => worst))).toBeLessThan(0.5)
})

const broken = fixtureCopies()

const editConfig = (from: string | RegExp, to: string) => editText('checkpoint/config.json', from, to)
const editPictures = (from: string | RegExp, to: string) =>
  editText('checkpoint/preprocessor_config.json', from, to)
const attention = 'model.language_model.layers.0.self_attn'

describe.each<[family: string, at: string, mistakes: [mistake: string, stage: string, edit: Edit][]]>([
  [
    'qwen2-vl',
    'odd',
    [
      [
        'a swapped decoder tensor',
        'layer.00',
        swap(`${attention}.q_proj.weight`, `${attention}.o_proj.weight`),
      ],
      ['a bias turned round', 'layer.00', negated(`${attention}.v_proj.bias`)],
      [
        'other sections',
        'layer.00',
        editConfig(/"mrope_section": \[\s*2,\s*3,\s*3\s*\]/, '"mrope_section": [3, 3, 2]'),
      ],
      ['a wrong rope base', 'layer.00', editConfig('"rope_theta": 1000000.0', '"rope_theta": 10000.0')],
      [
        'another start token',
        'position_ids',
        editConfig('"vision_start_token_id": 463', '"vision_start_token_id": 464'),
      ],
      ['another activation in the tower', 'vision', editConfig('quick_gelu', 'gelu')],
      ['the norm of the merger turned round', 'projector', negated('model.visual.merger.ln_q.weight')],
      ['fewer pixels', 'input_ids', editPictures('"max_pixels": 15680', '"max_pixels": 1568')],
      ['a wrong resize filter', 'pixel_values', editPictures('"resample": 3', '"resample": 2')],
    ],
  ],
  [
    'qwen2.5-vl',
    'two-images',
    [
      ['smaller windows', 'vision', editConfig('"window_size": 112', '"window_size": 56')],
      [
        'other layers without windows',
        'vision',
        editConfig(/"fullatt_block_indexes": \[\s*1,/, '"fullatt_block_indexes": [0,'),
      ],
      [
        'a bias of the gate turned round',
        'vision',
        negated('visual.blocks.0.mlp.gate_proj.bias', 'checkpoint/model-00001-of-00002.safetensors'),
      ],
      [
        'the norm of the merger turned round',
        'projector',
        negated('visual.merger.ln_q.weight', 'checkpoint/model-00002-of-00002.safetensors'),
      ],
    ],
  ],
  [
    'qwen3-vl',
    'interleaved',
    [
      ['learned positions turned round', 'vision', negated('model.visual.pos_embed.weight')],
      ['the bias of the patches turned round', 'vision', negated('model.visual.patch_embed.proj.bias')],
      [
        'another layer for deepstack',
        'deepstack.00',
        editConfig(/"deepstack_visual_indexes": \[\s*0,/, '"deepstack_visual_indexes": [1,'),
      ],
      [
        'a norm of deepstack turned round',
        'deepstack.01',
        negated('model.visual.deepstack_merger_list.1.norm.weight'),
      ],
      [
        'swapped norms of the heads',
        'layer.00',
        swap(`${attention}.q_norm.weight`, `${attention}.k_norm.weight`),
      ],
      [
        'other sections',
        'layer.00',
        editConfig(/"mrope_section": \[\s*4,\s*2,\s*2\s*\]/, '"mrope_section": [6, 1, 1]'),
      ],
      ['other limits of pixels', 'input_ids', editPictures('"shortest_edge": 2048', '"shortest_edge": 8192')],
    ],
  ],
])('%s: a mistake fails at its own stage', (family, at, mistakes) => {
  test.skipIf(!names.includes(family)).each(mistakes)('%s: %s', async (_, stage, edit) => {
    const dir = broken(family)
    keepCases(dir, at)
    await edit(dir)
    expect((await verifyModel(dir)).failure?.stage).toBe(stage)
  })
})
