/**
 * @file docs/parity.md is what its figures, the registered families and their published configs
 * give, and the figures are whole.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { familyRows } from '../scripts/parity/families.ts'
import { type Measurements, readMeasurements } from '../scripts/parity/measurements.ts'
import { parityPage } from '../scripts/parity/page.ts'
import { fixturesIn, readFixture } from '../scripts/parity/verification.ts'
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

const made = mkdtempSync(join(tmpdir(), 'bifocal-parity-'))
afterAll(() => rmSync(made, { recursive: true }))

test('folders that verification does not know are left out, each with its reason', async () => {
  const write = (path: string, json: unknown) => {
    mkdirSync(join(made, path, '..'), { recursive: true })
    writeFileSync(join(made, path), JSON.stringify(json))
  }
  write('clip/cases.json', { kind: 'model' })
  write('clip/checkpoint/config.json', { model_type: 'clip' })
  write('losses/cases.json', { kind: 'losses' })
  write('bench/expected.json', {})
  write('run/cases.json', { kind: 'run' })
  write('stranger/cases.json', { kind: 'model' })
  write('stranger/checkpoint/config.json', { model_type: 'strange' })
  writeFileSync(join(made, 'README.md'), '')
  expect(await fixturesIn(made)).toEqual({
    fixtures: ['clip', 'losses'],
    leftOut: [
      { name: 'bench', reason: 'no cases.json' },
      { name: 'run', reason: 'kind run is not known' },
      { name: 'stranger', reason: 'no family takes model_type "strange"' },
    ],
  })
})

test.runIf(hasGolden('.'))('every fixture of the reference that verification knows has figures', async () => {
  const { fixtures } = await fixturesIn(goldenDir('.'))
  expect(kept.fixtures.map(({ name }) => name)).toEqual(fixtures)
})
