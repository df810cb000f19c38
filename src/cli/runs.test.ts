/** @file Commands that read finished runs: `report`, `compare`, `export`. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildCli } from '../../test/built-cli.ts'
import { runHere } from '../../test/command-line.ts'
import { writeMadeRun } from '../../test/made-run.ts'
import { FORMATS } from './commands/export.ts'

let root: string
const at = (...parts: string[]) => join(root, ...parts)
beforeAll(async () => {
  // The page is built with it.
  await buildCli()
  root = mkdtempSync(join(tmpdir(), 'bifocal-runs-'))
  await writeMadeRun(at('run'), { rows: 40 })
}, 300_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

test('report writes the page of a run, and names it', async () => {
  const { code, stdout } = await runHere(['report', at('run'), '--out', at('page'), '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toEqual({ html: at('page', 'report.html') })
  const page = readFileSync(at('page', 'report.html'), 'utf8')
  expect(page).toContain('The good model finds more than The poor model')
  expect(page).not.toContain('__BIFOCAL_')
})

test('report of no run, and of several without a folder, is refused', async () => {
  const absent = await runHere(['report', at('absent')])
  expect([absent.code, absent.stderr]).toEqual([3, expect.stringContaining('report/unknown-folder')])
  await writeMadeRun(at('other'))
  const several = await runHere(['report', at('run'), at('other')])
  expect([several.code, several.stderr]).toEqual([2, expect.stringContaining('--out FOLDER')])
})

test('compare prints the verdict, writes file and page, and fails where too much is lost', async () => {
  const models = [at('run:good'), at('run:poor')]
  const { code, stdout } = await runHere(['compare', ...models, '--out', at('comparison')])
  expect([code, stdout]).toEqual([0, expect.stringContaining('The poor model is worse than The good model')])
  expect(readdirSync(at('comparison')).toSorted()).toEqual(['comparison.json', 'report.html'])
  expect((await runHere(['compare', ...models, '--fail-if-worse', 'all=1'])).code).toBe(4)
})

test('compare of a model with itself is refused', async () => {
  const { code, stderr } = await runHere(['compare', at('run:good'), at('run:good')])
  expect([code, stderr]).toEqual([2, expect.stringContaining('it has no difference to itself')])
})

test.each(FORMATS)('export --format %s', async (format) => {
  const out = at(`export-${format}`)
  const { code, stdout } = await runHere(['export', at('run:good'), '--format', format, '--out', out])
  expect([code, stdout]).toEqual([0, expect.stringContaining(out)])
  expect(existsSync(out)).toBe(true)
})
