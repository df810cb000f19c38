/** @file Which settings decide a tuning's bytes. */

import { expect, test } from 'vitest'
import { tuneSettings } from '../settings.ts'
import { decidingSettings, differences } from './deciding.ts'

const given = { model: 'm', out: 'o', data: [{ path: 'a.jsonl' }] }
const sources = { train: [{ name: 'a', fingerprint: 'f', weight: 1 }], dev: [] }
const flat = (more: object) => decidingSettings(tuneSettings.parse({ ...given, ...more }), sources)

test('places and the machine do not', () => {
  const moved = { out: 'p', model: 'n', data: [{ path: 'b.jsonl' }], threads: 3, saveEvery: 7, device: 'cpu' }
  expect(differences(flat({}), flat(moved))).toEqual([])
})

test('keys that differ are named with both values', () => {
  expect(
    differences(flat({}), flat({ train: { rank: 8 }, loss: { temperature: { start: 1, end: 2 } } })),
  ).toEqual([
    'train.rank: 16, now 8',
    'loss.temperature: null, now nothing',
    'loss.temperature.start: nothing, now 1',
    'loss.temperature.end: nothing, now 2',
    'loss.temperature.share: nothing, now 1',
  ])
})

test('so do the pairs, and their weight', () => {
  const other = decidingSettings(tuneSettings.parse(given), {
    train: [{ name: 'a', fingerprint: 'g', weight: 2 }],
    dev: [{ name: 'a (dev)', fingerprint: 'h' }],
  })
  expect(differences(flat({}), other)).toEqual([
    'data.a: "1 × f", now "2 × g"',
    'dev.data.a (dev): nothing, now "h"',
  ])
})
