/**
 * @file Whole trainings equal the reference at every update; a mistake in a setting fails at its
 * own stage.
 */

import { describe, expect, test } from 'vitest'
import { type Edit, editTensors, editText, fixtureCopies } from '../../../test/broken-fixture.ts'
import { goldenDir } from '../../../test/golden.ts'
import { verifyRun } from './run.ts'

const LIMIT = 300_000

test.each([
  ['run-lora-llava', 177],
  ['run-dora-lavida', 526],
  ['run-matryoshka-llava', 115],
])(
  '%s equals the reference',
  async (name, values) => {
    const report = await verifyRun(goldenDir(name))
    expect(report.failure).toBeUndefined()
    expect([report.compared, report.expected]).toEqual([values, values])
    expect(Math.max(...report.stages.map(({ worst }) => worst))).toBeLessThan(0.3)
  },
  LIMIT,
)

const broken = fixtureCopies()
const edit = (from: string | RegExp, to: string) => editText('cases.json', from, to)

describe.each<[fixture: string, mistakes: [mistake: string, stage: string, edit: Edit][]]>([
  [
    'run-lora-llava',
    [
      ['another betas', 'loss', edit(/"betas": \[\s*0.9,/, '"betas": [ 0.8,')],
      ['no clipping', 'loss', edit('"max_norm": 1.0', '"max_norm": 1000.0')],
      ['another mask', 'loss', edit('"mask_false_negatives": false', '"mask_false_negatives": true')],
      ['another prompt', 'input_ids', edit('What is in the picture?', 'What is in the pictures?')],
    ],
  ],
  [
    'run-matryoshka-llava',
    [
      ['a group that takes nothing', 'loss', edit('projector\\\\..*bias$', 'projector\\\\..*scale$')],
      ['other patience', 'steps', edit('"patience": 2', '"patience": 3')],
    ],
  ],
  [
    'run-dora-lavida',
    [
      ['another mask of attention', 'vectors/before', edit('"bidirectional"', '"causal"')],
      [
        'a gradient that is not ours',
        'gradient',
        editTensors('tensors.safetensors', (tensors) => {
          tensors.get('step1/grad/log_scale')!.data[0] = 1
        }),
      ],
    ],
  ],
])('%s', (fixture, mistakes) => {
  test.each(mistakes)(
    '%s: %s',
    async (_, stage, mistake) => {
      const dir = broken(fixture)
      await mistake(dir)
      expect((await verifyRun(dir)).failure?.stage).toBe(stage)
    },
    LIMIT,
  )
})
