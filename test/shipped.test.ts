/** @file The shipped models give the vectors that their contracts keep. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { shipped, shippedData } from '../src/foundation/files/shipped.ts'
import { readContract } from '../src/models/embedder/contract.ts'
import { verifyContract } from '../src/models/embedder/golden/contract.ts'

test.each([
  ['tower', 'tower-items'],
  ['twin-ar', 'items'],
  ['twin-diffusion', 'items'],
])('%s', async (name, items) => {
  const report = await verifyContract(`bifocal:${name}`)
  expect(report).toMatchObject({ failure: undefined, compared: 1, expected: 1 })
  const listed = readFileSync(join(shippedData(), `../${items}.jsonl`), 'utf8')
    .trim()
    .split('\n')
  const contract = await readContract(shipped(name))
  expect(contract?.contract.golden?.items).toHaveLength(listed.length)
})
