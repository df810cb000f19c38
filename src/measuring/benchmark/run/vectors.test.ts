/** @file Vectors that were made elsewhere: files that do not fit the items are refused. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { vectorContestants } from './vectors.ts'

const dir = mkdtempSync(join(tmpdir(), 'bifocal-vectors-'))
afterAll(() => rmSync(dir, { recursive: true }))

const items = [{ key: 'a' }, { key: 'b' }]

/** The contestant of a file with these vectors. */
async function given(...rows: readonly { id: string; vector: readonly number[] }[]) {
  const file = join(dir, 'given.jsonl')
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  return await vectorContestants([`mine=${file}`], items, [])
}

test('a vector of zeros is refused, and its item named', async () => {
  const a = { id: 'a', vector: [0, 2] }
  await expect(given(a, { id: 'b', vector: [1, 0] })).resolves.toMatchObject([{ model: { id: 'mine' } }])
  await expect(given(a, { id: 'b', vector: [0, 0] })).rejects.toMatchObject({
    code: 'benchmark/zero-vector',
    message: expect.stringContaining('the vector of b has no direction'),
  })
})
