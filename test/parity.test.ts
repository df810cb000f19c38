/**
 * @file docs/parity.md is what its figures, the registered families and their published configs
 * give, and the figures are whole.
 */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { familyRows } from '../scripts/parity/families.ts'
import { type Measurements, readMeasurements } from '../scripts/parity/measurements.ts'
import { parityPage } from '../scripts/parity/page.ts'
import { readFixture } from '../scripts/parity/verification.ts'
import { openSafetensors } from '../src/models/checkpoint/safetensors.ts'
import { goldenDir, hasGolden } from './golden.ts'

const file = (name: string) => fileURLToPath(new URL(`../docs/${name}`, import.meta.url))
let kept: Measurements
beforeAll(async () => {
  kept = await readMeasurements(file('parity.json'))
})

test('the page is what the figures give', () => {
  expect(readFileSync(file('parity.md'), 'utf8')).toBe(parityPage(familyRows(), kept))
})

test('every report is of every expected tensor, without a miss, and every fixture has one of the CPU', () => {
  for (const { name, reports } of kept.fixtures) {
    expect(Object.keys(reports), name).toContain('cpu')
    for (const report of Object.values(reports)) {
      expect(report, name).not.toHaveProperty('refused')
      expect(report, name).not.toHaveProperty('failure')
      if ('compared' in report) expect(report.compared, name).toBe(report.expected)
    }
  }
})

test('figures are of the fixtures as they are on this machine', async () => {
  for (const { reports, ...fixture } of kept.fixtures.filter(({ name }) => hasGolden(name))) {
    expect(await readFixture(goldenDir('.'), fixture.name)).toEqual(fixture)
    if (fixture.kind !== 'model') continue
    const { tensors } = await openSafetensors(`${goldenDir(fixture.name)}/expected.safetensors`)
    expect(reports.cpu, fixture.name).toMatchObject({ expected: tensors.size })
  }
})
