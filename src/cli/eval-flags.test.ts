/** @file Flags of `bifocal eval` that say how models and files are read. */

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runHere } from '../../test/command-line.ts'
import { writeRandomTwins } from '../../test/random-twins.ts'
import { openRun } from '../measuring/benchmark/run/eval-run.ts'

const dir = mkdtempSync(join(tmpdir(), 'bifocal-eval-flags-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

let model = ''
/** Three pictures with names, and a row whose picture is absent. */
const pictures = join(dir, 'pictures.jsonl')
const colours = ['red', 'green', 'blue']

beforeAll(async () => {
  model = (await writeRandomTwins(dir)).ar
  for (const background of colours)
    await sharp({ create: { width: 9, height: 9, channels: 3, background } })
      .png()
      .toFile(join(dir, `${background}.png`))
  const rows = [...colours, 'absent'].map((name) => ({ query_image: `${name}.png`, target: name }))
  writeFileSync(pictures, rows.map((row) => JSON.stringify(row)).join('\n'))
}, 120_000)

/** Scores the pictures. */
async function scored(out: string, ...more: string[]) {
  const words = ['eval', model, '--tasks', pictures, '--kind', 'classification', '--threads', '1']
  return await runHere([...words, '--out', join(dir, out), ...more])
}

test('a row with an absent picture is left out and told; no more of them than --max-problems', async () => {
  const { code, stderr } = await scored('left')
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('absent.png') })
  const { results } = await openRun(join(dir, 'left'))
  expect(results.tasks.map(({ queries, left }) => [queries, left])).toEqual([[3, 1]])
  const none = await scored('none', '--max-problems', '0')
  expect(none).toMatchObject({ code: 3, stderr: expect.stringContaining('benchmark/too-many-problems') })
  expect(none.stderr).toContain('1 rows cannot be used, at most 0 may be left out')
})

test('--strict ends at the first bad row', async () => {
  const { code, stderr } = await scored('strict', '--strict')
  expect(code).toBe(3)
  expect(stderr).toMatch(/error .*absent\.png/)
  expect(existsSync(join(dir, 'strict', 'results.json'))).toBe(false)
})

test('--baselines are scored beside the model, and an unknown one is refused with a suggestion', async () => {
  const { code } = await scored('beside', '--baselines', 'pixels', 'colours', 'chance')
  expect(code).toBe(0)
  const { results } = await openRun(join(dir, 'beside'))
  expect(results.models.map(({ id, role }) => [id, role])).toEqual([
    ['twin-ar', 'model'],
    ['pixels', 'baseline'],
    ['colours', 'baseline'],
  ])
  // Of three queries, a model finds none, or a baseline all: these intervals have a width too.
  const sure = results.scores.filter(({ hit1 }) => [0, 1].includes(hit1.value))
  expect(sure.length).toBeGreaterThan(0)
  for (const { hit1 } of sure) expect(hit1.high - hit1.low).toBeCloseTo(0.7076, 4)
  const unknown = await scored('unknown', '--baselines', 'pixel')
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('Did you mean "pixels"?') })
})

test.each([
  ['of a task that the run lacks', ['--fail-under', 'picture=0.5'], 'Did you mean "pictures"?'],
  ['of a mean that the run lacks', ['--fail-under', 'CLS=0.5'], 'the run has no such task or mean'],
  ['for a shard', ['--fail-under', 'all=0.5', '--shard', '1/2'], 'Give it to merge-runs'],
])('a limit %s is refused before anything is computed', async (_, more, words) => {
  const { code, stderr } = await scored('limit', ...more)
  expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(words) })
  expect(existsSync(join(dir, 'limit', 'vectors'))).toBe(false)
})

test('--layer, --pool and --columns decide the readout and the columns that are read', async () => {
  const file = join(dir, 'own.csv')
  writeFileSync(file, 'ask,answer,other\na,b,x\nc,d,y\ne,f,z\n')
  const out = join(dir, 'run')
  const columns = ['--columns', 'query=ask,target=answer', '--kind', 'retrieval']
  const { code, stderr } = await runHere([
    'eval',
    model,
    '--tasks',
    file,
    ...columns,
    '--layer',
    '0',
    '--pool',
    'mean',
    '--out',
    out,
    '--threads',
    '1',
  ])
  expect({ code, stderr }).toMatchObject({ code: 0 })
  const { results } = await openRun(out)
  expect(results.models[0]?.readout).toMatch(/layer 0|first layer/)
  expect(results.models[0]?.readout).toContain('mean')
  expect(results.command).toContain('--columns query=ask,target=answer')
  expect(results.tasks.map(({ queries }) => queries)).toEqual([3, 3])
}, 120_000)
