/** @file Settings and data that a tuning should not begin with unseen. */

import { expect, test } from 'vitest'
import { tuneSettings } from '../settings.ts'
import type { PlannedSource, TuningPlan } from './plan.ts'
import { type PlanFacts, planWarnings } from './warnings.ts'

const source: PlannedSource = {
  name: 'pairs',
  pairs: 1000,
  train: 900,
  dev: 100,
  weight: 1,
  withPictures: 1000,
  negatives: 0,
  targets: 1000,
  commonest: 0.001,
  fingerprint: 'f',
}
const readout = { layer: 'last', norm: 'after', pool: 'last' } as const
const reading: TuningPlan['reading'] = {
  attention: 'native',
  readout,
  truncation: 'error',
  maxLength: undefined,
  image: { orientation: 'ignored', alpha: 'dropped' },
}
const shape = { nativeAttention: 'causal', maxLength: 512 } as const

function warned(settings: object, more: Partial<PlanFacts> = {}): string[] {
  const facts = {
    settings: tuneSettings.parse({ model: 'm', out: 'o', data: [{ path: 'p' }], ...settings }),
    model: { shape },
    reading,
    sources: [source],
    devPairs: 100,
    updates: 100,
    tooLong: 0,
    devTrained: 0,
    unmatched: [],
    unreadable: { share: 0, reason: '' },
    ...more,
  }
  return planWarnings(facts).map(({ message }) => message)
}

test('ordinary settings are not warned of', () => {
  expect(warned({})).toEqual([])
})

test.each<[string, object, Partial<PlanFacts>, RegExp]>([
  ['a lone pair', { batch: { size: 1 } }, {}, /no wrong target/],
  ['few pairs', { batch: { size: 4 } }, {}, /3 wrong targets a query/],
  ['fewer pairs than a batch', {}, { sources: [{ ...source, train: 20 }] }, /20 pairs are fewer/],
  [
    'one source twice',
    {},
    { sources: [source, { ...source, name: 'pairs 2' }] },
    /pairs and pairs 2 hold the same pairs/,
  ],
  ['accumulated batches', { batch: { accumulate: 2 } }, {}, /add no wrong targets/],
  ['few targets', {}, { sources: [{ ...source, targets: 7 }] }, /7 different targets, in batches of 64/],
  [
    'shared targets that count as wrong',
    { loss: { falseNegatives: 'keep' } },
    { sources: [{ ...source, targets: 300 }] },
    /equal targets count as wrong/,
  ],
  ['no dev part', {}, { devPairs: 0 }, /no dev part/],
  ['a small dev part', {}, { devPairs: 5 }, /5 dev pairs/],
  [
    'patience without a dev part',
    { dev: { keep: 'last', patience: 3 } },
    { devPairs: 0 },
    /patience never stops/,
  ],
  ['dev pairs that are trained', {}, { devTrained: 7 }, /7 of 100 dev pairs are trained on too/],
  [
    'a share beside dev pairs',
    { dev: { share: 0.1, data: [{ path: 'd' }] } },
    {},
    /dev.share 0.1 is not used/,
  ],
  ['a rank of whole weights', { train: { method: 'all', rank: 8 } }, {}, /no use for rank of train/],
  ['a target that is no module', {}, { unmatched: ['.*q_proj'] }, /named by \.\*q_proj/],
  ['a rank of an adapter that goes on', { train: { continue: true, rank: 8 } }, {}, /rank of train are not/],
  [
    'items that cannot be read',
    {},
    { unreadable: { share: 0.5, reason: 'a.png is damaged' } },
    /50 % of the first items cannot be read.*a\.png is damaged/,
  ],
  ['a teacher without negatives', { loss: { margin: { teacher: 0.1 } } }, {}, /no pair has any/],
  [
    'mean under a causal mask',
    {},
    { reading: { ...reading, readout: { ...readout, pool: 'mean' } } },
    /mean under a causal mask/,
  ],
  [
    'last under a bidirectional mask',
    {},
    { reading: { ...reading, attention: 'bidirectional' } },
    /last under a bidirectional mask/,
  ],
  ['a middle layer', {}, { reading: { ...reading, readout: { ...readout, layer: 3 } } }, /at layer 3/],
  ['long items', {}, { tooLong: 0.2 }, /20 % of the first items take more than 512/],
  [
    'a length beyond the model',
    {},
    { reading: { ...reading, maxLength: 9999 } },
    /takes 512 positions: a length of 9999/,
  ],
  ['a high temperature', { loss: { temperature: 2 } }, {}, /temperature of 2/],
  ['one that falls too low', { loss: { temperature: { start: 0.1, end: 1e-3 } } }, {}, /of 0.001/],
  ['a high rate', { optimizer: { learningRate: 0.1 } }, {}, /learning rate of 0.1/],
  ['a warm-up without an end', { schedule: { warmup: 100 } }, {}, /never reached/],
])('%s', (_, settings, more, message) => {
  expect(warned(settings, more)).toEqual([expect.stringMatching(message)])
})

test('hard negatives make up for a small batch', () => {
  const sources = [{ ...source, negatives: 3000 }]
  expect(warned({ batch: { size: 4 } }, { sources })).toEqual([])
  expect(warned({ batch: { size: 4, negatives: 0 } }, { sources })).toHaveLength(1)
})
