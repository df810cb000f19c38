/** @file An evaluation equals the reference; each kind of mistake fails at its own stage. */

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fixtureCopies } from '../../../../test/broken-fixture.ts'
import { reducedDir } from '../../../../test/golden.ts'
import { loadSafetensors, writeSafetensors } from '../../../models/checkpoint/safetensors.ts'
import { verifyGolden } from '../golden.ts'

const LIMIT = 300_000
/** Whole, it takes a minute: `npm run parity` runs that. */
const fixture = () => reducedDir('bench-mmeb')

test(
  'the fixture equals the reference in everything',
  async () => {
    const report = await verifyGolden(fixture())
    expect(report.failure).toBeUndefined()
    expect(report.kind).toBe('bench-mmeb')
    expect(report.compared).toBe(report.expected)
    expect(report.expected).toBeGreaterThan(340)
    expect(Math.max(...report.stages.map(({ worst }) => worst))).toBeLessThan(0.5)
  },
  LIMIT,
)

const copies = fixtureCopies(reducedDir)

test(
  'every mistake is seen at its stage, and nothing else is',
  async () => {
    const dir = copies('bench-mmeb')
    const change = (file: string, ...edits: readonly (readonly [from: string | RegExp, to: string])[]) => {
      const before = readFileSync(join(dir, file), 'utf8')
      const after = edits.reduce((text, [from, to]) => {
        expect(text).toMatch(from)
        return text.replace(from, to)
      }, before)
      writeFileSync(join(dir, file), after)
    }
    change(
      'expected.json',
      [/"predictions":\[\d+/, '"predictions":[5'],
      [/"mrr":\[1.0,|"mrr":\[1,/, '"mrr":[0.9,'],
      [/"mean":\{"hit1_published":0\.\d+/, '"mean":{"hit1_published":0.1'],
      [/"jpeg_rows":\[\d+/, '"jpeg_rows":[7'],
      [/"candidates_v2":\d+/, '"candidates_v2":3'],
      [/"num_correct":\d+/, '"num_correct":3'],
      [/(?<="keep":\{"prompts":\[")[^"]+/, 'other'],
      [/(?<="VQA":\{.*?"unique_mrr":)0\.\d+/, '0.2'],
      [/(?<="eval_zip":\[)/, '"OVEN",'],
      [/(?<="A-OKVQA".*?"empty_rows":\[)\d+/, '4'],
      [/(?<="scores":\[\[)-?\d\.\d+/, '0.9'],
      [/"least_margin":/, '"margins_that_nobody_knows":[1],"least_margin":'],
    )
    change('damaged.json', ['"kind": "picture-missing"', '"kind": "picture-empty"'])
    const tensors = join(dir, 'expected.safetensors')
    const vectors = await loadSafetensors(tensors)
    vectors.get('vlm2vec-qwen2-vl/CIRR/candidates')!.data[3] = 2
    await writeSafetensors(tensors, Object.fromEntries(vectors))
    const report = await verifyGolden(dir)
    const missed = report.stages.flatMap(({ stage, worst }) => (worst > 1 ? [stage] : []))
    expect(missed.sort()).toEqual([
      'averages',
      'cosines',
      'damaged',
      'means',
      'measures',
      'other layouts',
      'predictions',
      'rows',
      'score.json',
      'stray placeholders',
      'train',
      'unique items',
      'vectors',
    ])
    expect(report.compared).toBe(report.expected - 1)
  },
  LIMIT,
)

test('a preset that nobody knows is told before anything runs', async () => {
  const dir = copies('bench-mmeb')
  const file = join(dir, 'expected.json')
  writeFileSync(file, readFileSync(file, 'utf8').replace('"vlm2vec-qwen2-vl":{"folder', '"other":{"folder'))
  rmSync(join(dir, 'eval'), { recursive: true })
  await expect(verifyGolden(dir)).rejects.toMatchObject({ code: 'verify/fixture' })
})
