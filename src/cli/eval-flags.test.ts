/** @file Flags of `bifocal eval` that say how models and files are read. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { runHere } from '../../test/command-line.ts'
import { writeRandomTwins } from '../../test/random-twins.ts'
import { openRun } from '../measuring/benchmark/run/eval-run.ts'

const dir = mkdtempSync(join(tmpdir(), 'bifocal-eval-flags-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

test('--layer, --pool and --columns decide the readout and the columns that are read', async () => {
  const { ar } = await writeRandomTwins(dir)
  const file = join(dir, 'own.csv')
  writeFileSync(file, 'ask,answer,other\na,b,x\nc,d,y\ne,f,z\n')
  const out = join(dir, 'run')
  const columns = ['--columns', 'query=ask,target=answer', '--kind', 'retrieval']
  const { code, stderr } = await runHere([
    'eval',
    ar,
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
