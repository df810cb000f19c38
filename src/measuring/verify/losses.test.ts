/** @file Every contrastive loss equals the reference, and a wrong formula doesn't. */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { goldenDir } from '../../../test/golden.ts'
import { verifyLosses } from './losses.ts'

test('every loss and gradient of the fixture is compared and equal', async () => {
  const report = await verifyLosses(goldenDir('tune-infonce'))
  expect(report.stages.filter(({ worst }) => worst > 1)).toEqual([])
  expect(report.failure).toBeUndefined()
  expect(report.compared).toBe(report.expected)
  expect(report.expected).toBeGreaterThanOrEqual(45)
})

test.each([
  [
    'temperature',
    '"name": "one-direction",\n   "temperature": 0.02',
    '"name": "one-direction",\n   "temperature": 0.021',
    'one-direction',
  ],
  ['case name', '"name": "symmetric-002"', '"name": "x-002"', ''],
  ['no mask', '"target_group": [0, 1, 2, 1, 4, 5],', '', 'false-negatives-masked'],
  ['weights', '"weights": [0.25, 0.5, 1.0]', '"weights": [0.25, 0.5, 1.1]', 'matryoshka-weighted'],
])('a wrong %s is found', async (_, right, wrong, failing) => {
  const dir = mkdtempSync(join(tmpdir(), 'bifocal-losses-'))
  try {
    cpSync(goldenDir('tune-infonce'), dir, { recursive: true })
    const text = readFileSync(join(dir, 'cases.json'), 'utf8')
    expect(text).toContain(right)
    writeFileSync(join(dir, 'cases.json'), text.replace(right, wrong))
    const found = await verifyLosses(dir).then(
      (report) => report.failure?.case,
      (error: unknown) => error,
    )
    if (failing === '') expect(found).toMatchObject({ code: 'verify/fixture' })
    else expect(found).toBe(failing)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
