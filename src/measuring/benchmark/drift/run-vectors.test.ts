import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeMadeRun } from '../../../../test/made-run.ts'
import { driftOf } from './open.ts'

let root: string
const at = (name: string) => join(root, name)
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-run-vectors-'))
  await writeMadeRun(at('a'))
  await writeMadeRun(at('b'), { models: { good: 0.8 }, seed: 2 })
  await writeMadeRun(at('longer'), { models: { good: 0.8 }, rows: 14 })
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

test('models of runs: matched by the keys of their items', async () => {
  expect((await driftOf(at('a:good'), at('a:good'))).drift).toMatchObject({ identical: 36, matchedBy: 'id' })
  const { drift } = await driftOf(at('a:good'), at('b'))
  expect(drift).toMatchObject({ items: 36, a: at('a:good') })
  expect(drift.cosine.least).toBeLessThan(0.99)
})

test('a run of several models; runs of other items', async () => {
  await expect(driftOf(at('a'), at('b'))).rejects.toMatchObject({ code: 'benchmark/several-models' })
  await expect(driftOf(at('b'), at('longer'))).rejects.toMatchObject({ code: 'benchmark/other-items' })
  expect((await driftOf(at('b'), at('longer'), { common: true })).drift).toMatchObject({
    items: 36,
    only: { a: 0, b: 4 },
  })
})
