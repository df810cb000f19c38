/**
 * @file docs/parity.md is what its figures, the registered families and their published configs
 * give, and the figures are whole.
 */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { familyRows } from '../scripts/parity/families.ts'
import { type Measurements, readMeasurements } from '../scripts/parity/measurements.ts'
import { parityPage } from '../scripts/parity/page.ts'
import { fixturesIn, readFixture } from '../scripts/parity/verification.ts'
import { openSafetensors } from '../src/models/checkpoint/safetensors.ts'
import { goldenDir, hasWhole, reducedNames, wholeFixtures } from './golden.ts'

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
  for (const { reports, ...fixture } of kept.fixtures) {
    const dir = goldenDir(fixture.name)
    expect(await readFixture(dirname(dir), fixture.name)).toEqual(fixture)
    // A reduced fixture expects fewer tensors.
    if (fixture.kind !== 'model' || !hasWhole(fixture.name)) continue
    const { tensors } = await openSafetensors(join(dir, 'expected.safetensors'))
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
  write('mmeb/expected.json', { kind: 'bench-mmeb' })
  write('other/expected.txt', {})
  write('mystery/cases.json', { kind: 'mystery' })
  write('stranger/cases.json', { kind: 'model' })
  write('stranger/checkpoint/config.json', { model_type: 'strange' })
  writeFileSync(join(made, 'README.md'), '')
  expect(await fixturesIn(made)).toEqual({
    fixtures: ['clip', 'losses', 'mmeb'],
    leftOut: [
      { name: 'bench', reason: 'no kind' },
      { name: 'mystery', reason: 'kind mystery is not known' },
      { name: 'other', reason: 'no cases.json' },
      { name: 'stranger', reason: 'no family takes model_type "strange"' },
    ],
  })
})

test('every fixture of the reference that verification knows has figures', async () => {
  const names = kept.fixtures.map(({ name }) => name)
  expect(names).toEqual(reducedNames())
  const whole = existsSync(wholeFixtures) ? (await fixturesIn(wholeFixtures)).fixtures : []
  expect(names).toEqual(expect.arrayContaining(whole))
})
