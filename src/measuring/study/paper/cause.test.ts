import { describe, expect, test } from 'vitest'
import { paperRecord, recordedState } from '../../../../test/paper-record.ts'
import { causesOf } from './cause.ts'
import { causeMarkdown, causeSentences } from './cause-words.ts'
import type { Condition } from './plan.ts'
import { hitsOf, type PaperRecord } from './record.ts'

const ROWS = 80
const tasks = [{ name: 'label', clusters: Array.from({ length: ROWS }, (_, i) => `thing ${i >> 1}`) }]
const options = { seed: 3, resamples: 200 }
const hits = (count: number) => ({
  label: hitsOf(Array.from({ length: ROWS }, (_, row) => ({ hit1: row < count ? 1 : 0 }))),
})

/** Hits as pretrained; a tuned model has ten more. Distribution gaps run against scores. */
function record(arm: string, pretraining: number, condition: Condition, own: number): PaperRecord {
  const state = (count: number) =>
    recordedState(hits(count), {
      alignment: { modalityGap: (pretraining * 7) % 5, distributionGap: 1 - count / 100 },
      remedies: condition === 'plain' ? { centred: hits(count), linear: hits(count + 4) } : {},
    })
  const layer = (hit1: number) => ({ alignment: { distributionGap: 1 - hit1 }, hit1 })
  return paperRecord({
    id: `${arm} ${pretraining} ${condition}`,
    arm,
    pretraining,
    condition,
    untuned: state(own),
    tuned: state(own + 10),
    layers: { inputs: layer(own / 300), 0: layer(own / 200), 1: layer(own / 100) },
  })
}

/** A gap of 24 rows with pictures; captions leave 4, and the stage leaves it as it is. */
const SEEDS = [1, 2, 3]
const runs = SEEDS.flatMap((seed) => [
  record('twin-ar', seed, 'plain', 50 + seed),
  record('twin-discrete', seed, 'plain', 26 + seed),
  record('twin-ar', seed, 'captions', 54 + seed),
  record('twin-discrete', seed, 'captions', 50 + seed),
  record('twin-ar', seed, 'aligned-first', 52 + seed),
  record('twin-discrete', seed, 'aligned-first', 28 + seed),
])
const causes = causesOf(runs, ['twin-ar', 'twin-discrete'], tasks, options)
const rows = (share: number) => Math.round(ROWS * share)

describe('gaps with a known part that a change closes', () => {
  test('captions leave 4 rows of 24: the rest is the picture side', () => {
    const [tuned] = causes.substitution
    const [gap] = tuned!.gaps
    expect([gap!.before, gap!.after, gap!.closed].map(({ value }) => rows(value))).toEqual([24, 4, 20])
    expect(gap!.closed.low).toBeGreaterThan(0)
    expect(tuned!.gains.map(({ arm, gain }) => [arm, rows(gain.value)])).toEqual([
      ['twin-ar', 4],
      ['twin-discrete', 24],
    ])
  })

  test('the stage moves both alike, and a remedy too: nothing is closed, and the words say so', () => {
    const [stage] = causes.intervention
    expect(rows(stage!.gaps[0]!.closed.value)).toBe(0)
    const linear = causes.remedies.find(({ remedy, state }) => remedy === 'linear' && state === 'untuned')!
    expect(linear.gains.map(({ gain }) => rows(gain.value))).toEqual([4, 4])
    const sentences = causeSentences(causes)
    const about = (words: string) => sentences.filter((sentence) => sentence.includes(words))
    for (const sentence of about('after a stage of alignment')) expect(sentence).toContain('cannot be told')
    for (const sentence of about('with captions')) {
      expect(sentence).not.toContain('cannot be told')
      expect(sentence).toContain("the picture side's part: +25.0 points")
    }
  })
})

test('measures: the distribution gap predicts scores over models and layers, the centroid gap does not', () => {
  const verdicts = causes.prediction.map(({ set, models, rows: found }) => [
    set,
    models,
    found.map(({ measure, correlation }) => [measure, Math.round(correlation!.value) + 0]),
  ])
  expect(verdicts).toEqual([
    [
      'untuned',
      6,
      [
        ['modalityGap', 0],
        ['distributionGap', -1],
      ],
    ],
    [
      'tuned',
      6,
      [
        ['modalityGap', 0],
        ['distributionGap', -1],
      ],
    ],
    ['within-layers', 6, [['distributionGap', -1]]],
    ['across-layers', 6, [['distributionGap', -1]]],
  ])
  const sentences = causeSentences(causes).join('\n')
  expect(sentences).toMatch(/Modality gap.*over models as pretrained: cannot be told/)
  expect(sentences).toMatch(/Distribution gap.*over models as pretrained: Spearman −1\.00/)
})

test('sections come with the runs that they need', () => {
  const heads = (own: readonly PaperRecord[]) =>
    causeMarkdown(causesOf(own, ['twin-ar', 'twin-discrete'], tasks, options), own)
      .flatMap((part) => part.split('\n'))
      .filter((line) => line.startsWith('## '))
  expect(heads(runs)).toHaveLength(4)
  expect(heads(runs.filter(({ condition }) => condition === 'plain'))).toEqual([
    '## Do measures of alignment predict scores?',
    '## What do remedies of the vectors recover?',
  ])
  expect(heads([])).toEqual([])
})
