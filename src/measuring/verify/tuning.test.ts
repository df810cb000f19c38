/**
 * @file Whole tunings equal the reference from pixels and ids to the merged weights; a mistake
 * fails at its own stage.
 */

import { describe, expect, test } from 'vitest'
import { type Edit, editTensors, editText, fixtureCopies, swap } from '../../../test/broken-fixture.ts'
import { goldenDir } from '../../../test/golden.ts'
import { verifyTuning } from './tuning.ts'

const LIMIT = 300_000

test.each([
  'tune-lora-llava',
  'tune-lora-llava-zero-b',
  'tune-dora-qwen2-vl',
  'tune-dora-qwen2-vl-image',
  'tune-gradcache',
])(
  '%s equals the reference',
  async (name) => {
    const report = await verifyTuning(goldenDir(name))
    expect(report.failure).toBeUndefined()
    expect(report.compared).toBe(report.expected)
    expect(report.expected).toBeGreaterThan(240)
    expect(Math.max(...report.stages.map(({ worst }) => worst))).toBeLessThan(0.6)
  },
  LIMIT,
)

const broken = fixtureCopies()
const adapter = 'adapter-0/adapter_model.safetensors'
const layer = (index: number) => `base_model.model.model.language_model.layers.${index}`
const base = 'language_model.model.layers.0.mlp'
const settings = (from: string, to: string, folder = 'adapter-0') =>
  editText(`${folder}/adapter_config.json`, from, to)

describe.each<[fixture: string, mistakes: [mistake: string, stage: string, edit: Edit][]]>([
  [
    'tune-dora-qwen2-vl',
    [
      [
        'adapter tensors swapped',
        'vectors',
        swap(`${layer(0)}.mlp.up_proj.lora_A.weight`, `${layer(1)}.mlp.up_proj.lora_A.weight`, adapter),
      ],
      [
        'magnitudes swapped',
        'vectors',
        swap(
          `${layer(0)}.self_attn.q_proj.lora_magnitude_vector`,
          `${layer(0)}.self_attn.o_proj.lora_magnitude_vector`,
          adapter,
        ),
      ],
      ['another temperature', 'loss', editText('cases.json', '"temperature": 0.05', '"temperature": 0.051')],
      ['another pooling', 'vectors', editText('cases.json', '"pooling": "mean"', '"pooling": "last"')],
      ['a longer warm-up', 'learning rate', editText('cases.json', '2 warm-up steps', '3 warm-up steps')],
      ['another prompt', 'input_ids', editText('cases.json', 'Which animal barks?', 'Which animal meows?')],
      [
        'a wrong merged weight',
        'merged',
        editTensors('tensors.safetensors', (tensors) => {
          const name = 'merged/model.language_model.layers.1.self_attn.q_proj.weight'
          tensors.set(name, tensors.get('step0/query')!)
        }),
      ],
    ],
  ],
  [
    'tune-dora-qwen2-vl-image',
    [
      ['a rank-stabilised scale', 'vectors', settings('"use_rslora": false', '"use_rslora": true')],
      [
        'another alpha after the tuning',
        'folder',
        settings('"lora_alpha": 16', '"lora_alpha": 15', 'adapter-3'),
      ],
      [
        'larger pictures',
        'input_ids',
        editText('checkpoint/preprocessor_config.json', '"min_pixels": 3136', '"min_pixels": 6272'),
      ],
    ],
  ],
  [
    'tune-lora-llava',
    [
      ['another alpha', 'vectors', settings('"lora_alpha": 16', '"lora_alpha": 15')],
      ['another decay', 'replay', editText('cases.json', '"weight_decay": 0.01', '"weight_decay": 0.02')],
    ],
  ],
  [
    'tune-lora-llava-zero-b',
    [
      [
        'gate and up swapped in the base',
        'vectors',
        swap(`${base}.gate_proj.weight`, `${base}.up_proj.weight`),
      ],
      // Without effect on the vectors while B is zero.
      ['another alpha', 'grad', settings('"lora_alpha": 16', '"lora_alpha": 15')],
    ],
  ],
  [
    'tune-gradcache',
    [
      [
        'another loss by chunks',
        'gradcache loss',
        editText('cases.json', /("chunk": 2,\s*"loss": )18/, '$119'),
      ],
      [
        'another rope base',
        'vectors',
        editText('checkpoint/config.json', '"rope_theta": 10000.0', '"rope_theta": 500000.0'),
      ],
    ],
  ],
])('%s', (fixture, mistakes) => {
  test.each(mistakes)(
    '%s: %s',
    async (_, stage, edit) => {
      const dir = broken(fixture)
      await edit(dir)
      expect((await verifyTuning(dir)).failure?.stage).toBe(stage)
    },
    LIMIT,
  )
})

test(
  'chunks that do not divide the batch give the same gradients',
  async () => {
    const dir = broken('tune-gradcache')
    await editText('cases.json', '"chunk": 2', '"chunk": 3')(dir)
    expect((await verifyTuning(dir)).failure).toBeUndefined()
  },
  LIMIT,
)
