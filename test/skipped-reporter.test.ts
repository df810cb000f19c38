import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const root = mkdtempSync(join(tmpdir(), 'bifocal-skipped-'))
afterAll(() => rmSync(root, { recursive: true }))

/** The last line of a run of the given test files. */
async function lastLine(files: Readonly<Record<string, string>>): Promise<string | undefined> {
  const dir = mkdtempSync(join(root, 'run-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  const args = [here('../node_modules/vitest/vitest.mjs'), 'run', '--root', dir, '--globals']
  const reporters = ['--reporter=default', `--reporter=${here('skipped-reporter.ts')}`]
  const { stdout } = await promisify(execFile)(process.execPath, [...args, ...reporters])
  return stdout.trimEnd().split('\n').at(-1)
}

test('nothing was skipped', async () => {
  expect(await lastLine({ 'a.test.ts': `test('runs', () => {})` })).toMatch(
    /^Skipped: 0 tests; whole classes: none\. Compared with the reference: /,
  )
})

test('skipped tests are counted; a block and a file of which nothing ran are named', async () => {
  const line = await lastLine({
    'a.test.ts': `
      test('runs', () => {})
      test.skip('alone', () => {})
      describe('partly', () => { test('runs', () => {}); test.skip('not', () => {}) })
      describe.skip('a block', () => { test('one', () => {}); test('two', () => {}) })`,
    'b.test.ts': `test.skip('one', () => {})`,
  })
  expect(line).toMatch(/^Skipped: 5 tests; whole classes: a\.test\.ts > a block, b\.test\.ts\. /)
})
