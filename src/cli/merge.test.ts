/** @file `bifocal merge`. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CliFiles, expectRefusal, writeCliFiles } from '../../test/cli-files.ts'
import { runHere } from '../../test/command-line.ts'
import { initialAdapter } from '../models/checkpoint/adapter.ts'
import { writeAdapter } from '../models/checkpoint/adapter-folder.ts'

let files: CliFiles
const at = (name: string) => files.at(name)

beforeAll(async () => {
  files = await writeCliFiles()
  const layers = [0, 1].map((layer) => ({
    module: `model.language_model.layers.${layer}.self_attn.q_proj`,
    inFeatures: 24,
    outFeatures: 24,
  }))
  for (const [name, seed] of [
    ['a', 1],
    ['b', 2],
  ] as const) {
    const adapter = initialAdapter(layers, { rank: 2, alpha: 4, seed, baseModel: files.model })
    for (const { up } of adapter.modules.values())
      for (let i = 0; i < up.data.length; i++) up.data[i] = Math.sin(seed * (i + 1)) / 4
    await writeAdapter(at(name), adapter)
  }
}, 400_000)
afterAll(() => files.remove())

test('joins two adapters, then merges the joined one: the checkpoint embeds as the adapter does', async () => {
  const joined = await runHere([
    'merge',
    at('a'),
    at('b'),
    '--weights',
    '2,1',
    '--out',
    at('joined'),
    '--json',
  ])
  expect(joined.stderr).toBe('')
  expect(JSON.parse(joined.stdout)).toMatchObject({ modules: 2, rank: 4, kept: 1 })
  const merged = await runHere(['merge', at('joined'), '--out', at('merged')])
  expect(merged.stdout).toMatch(/merged: a checkpoint with 2 weights changed/)
  const vector = async (model: string) => {
    const { stdout } = await runHere(['embed', model, '--text', 'a red apple'])
    return new Float32Array(JSON.parse(stdout.split('\n')[0]!).vector)
  }
  expect(await vector(at('merged'))).toBeAllClose(await vector(at('joined')), { atol: 1e-5 })
})

test('a smaller rank says how much of the change it keeps', async () => {
  const { stdout } = await runHere(['merge', at('a'), at('b'), '--rank', '1', '--out', at('small')])
  expect(stdout).toMatch(/rank 1; in each module at least \d+\.\d % of the change is kept/)
})

test.each<[string, () => string[], number, RegExp]>([
  ['no folder', () => ['merge', at('a')], 2, /no folder to write/],
  ['no adapter', () => ['merge', files.model, '--out', at('none')], 2, /has no adapter/],
  ['a folder with files', () => ['merge', at('a'), '--out', at('b')], 2, /has files already/],
  [
    'a method for one model',
    () => ['merge', at('a'), '--method', 'mean', '--out', at('none')],
    2,
    /--method/,
  ],
  [
    'a base and adapters',
    () => ['merge', at('a'), at('b'), '--adapter', 'x', '--out', at('none')],
    2,
    /--adapter/,
  ],
  [
    'a weight too few',
    () => ['merge', at('a'), at('b'), '--weights', '1', '--out', at('none')],
    2,
    /1 weights for 2/,
  ],
  [
    'a weight of zero',
    () => ['merge', at('a'), at('b'), '--weights', '1,0', '--out', at('none')],
    2,
    /above 0/,
  ],
])('%s is refused', async (_, args, code, says) => {
  await expectRefusal({ args, code, says }, files.root)
})
