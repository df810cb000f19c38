import { expect, test } from 'vitest'
import { type ChangedRun, changedGaps, changedRuns, gainsOf } from './gaps.ts'

const ROWS = 200
const clusters = [Array.from({ length: ROWS }, (_, i) => `thing ${i >> 1}`)]
const options = { seed: 5, resamples: 400 }
const hits = (count: number) => [Array.from({ length: ROWS }, (_, i) => Number(i < count))]
/** Seeds move the counts by −1, 0, 1, alike with and without the change. */
const runs = (before: number, after: number): ChangedRun[] =>
  [1, 2, 3].map((pretraining) => ({
    pretraining,
    tuning: 7,
    before: hits(before + pretraining - 2),
    after: hits(after + pretraining - 2),
  }))

test('a gap of 40 rows of which the change closes 30', () => {
  const kinds = [
    { arm: 'first', runs: runs(120, 140) },
    { arm: 'second', runs: runs(80, 130) },
  ]
  const [gap, ...others] = changedGaps(kinds, clusters, options)
  expect(others).toEqual([])
  expect(gap!.between).toEqual(['first', 'second'])
  expect(gap!.before.value).toBeCloseTo(40 / ROWS, 9)
  expect(gap!.after.value).toBeCloseTo(10 / ROWS, 9)
  expect(gap!.closed.value).toBeCloseTo(30 / ROWS, 9)
  expect(gap!.closed.low).toBeGreaterThan(0)
  expect([gap!.drawn, gap!.draws]).toEqual(['pretraining', [3, 3]])
  const gains = gainsOf(kinds, clusters, options)
  expect(gains.map(({ arm, gain }) => [arm, Math.round(ROWS * gain.value)])).toEqual([
    ['first', 20],
    ['second', 50],
  ])
})

test('a change that moves both kinds alike closes nothing, whatever the gap is', () => {
  const [gap] = changedGaps(
    [
      { arm: 'first', runs: runs(120, 150) },
      { arm: 'second', runs: runs(80, 110) },
    ],
    clusters,
    options,
  )
  expect(gap!.before.low).toBeGreaterThan(0)
  expect(gap!.closed.value).toBeCloseTo(0, 9)
  expect(gap!.closed.low).toBeLessThanOrEqual(0)
  expect(gap!.closed.high).toBeGreaterThanOrEqual(0)
})

test('the spread of pretrainings that the change does not touch cancels out of the difference', () => {
  const spread = (arm: string, by: number) => ({
    arm,
    runs: [1, 2, 3].map((pretraining) => {
      const own = by * (pretraining - 2)
      return { pretraining, before: hits(100 + own), after: hits(110 + own) }
    }),
  })
  const [gap] = changedGaps([spread('first', 20), spread('second', 20)], clusters, options)
  expect(gap!.before.shares.trainings).toBeGreaterThan(0.3)
  expect(gap!.closed.standardError).toBeLessThan(gap!.before.standardError)
})

test('a run counts where it is there with the change and without', () => {
  const plain = [1, 2].map((pretraining) => ({ pretraining, tuning: 7, hits: hits(10 * pretraining) }))
  const changed = [
    { pretraining: 2, tuning: 7, hits: hits(50) },
    { pretraining: 2, tuning: 8, hits: hits(90) },
    { pretraining: 3, tuning: 7, hits: hits(90) },
  ]
  expect(changedRuns(plain, changed)).toEqual([
    { pretraining: 2, tuning: 7, before: hits(20), after: hits(50) },
  ])
})

test('kinds without runs are left out, and without the first kind there is no gap', () => {
  const own = { arm: 'second', runs: runs(80, 90) }
  expect(changedGaps([{ arm: 'first', runs: [] }, own], clusters, options)).toEqual([])
  expect(changedGaps([own, { arm: 'third', runs: [] }], clusters, options)).toEqual([])
  expect(gainsOf([{ arm: 'first', runs: [] }, own], clusters, options)).toHaveLength(1)
})
