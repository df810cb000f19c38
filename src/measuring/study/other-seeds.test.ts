import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { settingOf } from './options.ts'
import { otherSeeds, type SeedRuns, settingKey } from './other-seeds.ts'

const folder = mkdtempSync(join(tmpdir(), 'bifocal-seeds-'))
afterAll(() => rmSync(folder, { recursive: true }))

const setting = settingOf({ out: folder, seed: 7 })
const recorded: SeedRuns = {
  command: 'a script',
  models: ['a', 'b'],
  setting: settingKey(setting),
  runs: [7, 8].map((seed) => ({ seed, interval: { value: 0.01 * seed, low: 0, high: 1 } })),
}
writeFileSync(join(folder, 'seeds.json'), JSON.stringify(recorded))

test('runs of the same models and setting are found, this run is left out', async () => {
  expect(await otherSeeds(['a', 'b'], setting, folder)).toEqual([recorded.runs[1]])
})

test.each([
  ['other models', ['a', 'c'], setting],
  ['another number of steps', ['a', 'b'], settingOf({ out: folder, seed: 7, steps: 5 })],
])('%s: none', async (_, models, other) => {
  expect(await otherSeeds(models, other, folder)).toEqual([])
})

test('without the file: none', async () => {
  expect(await otherSeeds(['a', 'b'], setting, join(folder, 'absent'))).toEqual([])
})
