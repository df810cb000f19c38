/** @file The table of metrics; against trec_eval's figures (test/oracles/ranking.py). */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { type RankedList, ranked } from '../../foundation/numeric/ranking.ts'
import { metricLabels, perMetric } from './metrics.ts'

/** A list without repeated candidates. */
const row = (list: RankedList) => {
  const rankings = ranked(list)
  return { ...rankings, unique: rankings.expected }
}

test('one list under every metric of the table', () => {
  // Places: 1 wrong, 2 and 3 tied (one of them right, grade 3), 4 right (grade 1), 5 wrong.
  const list = row({ scores: [0.9, 0.5, 0.5, 0.2, 0.1], positives: [2, 3], grades: [3, 1] })
  const ideal = 3 + 1 / Math.log2(3)
  const got = perMetric(({ of }) => of(list))
  expect(got).toEqual({
    hit1: 0,
    firstWins: 0,
    strict: 0,
    hit5: 1,
    hit10: 1,
    recall5: 1,
    recall10: 1,
    mrr: expect.closeTo((1 / 2 + 1 / 3) / 2, 12),
    map: expect.closeTo(((1 / 2 + 1 / 3) / 2 + 2 / 4) / 2, 12),
    ndcg5: expect.closeTo((1.5 / Math.log2(3) + 1.5 / 2 + 1 / Math.log2(5)) / ideal, 12),
    ndcg10: expect.closeTo((1.5 / Math.log2(3) + 1.5 / 2 + 1 / Math.log2(5)) / ideal, 12),
    ndcg10Exponential: expect.closeTo(
      (3.5 / Math.log2(3) + 3.5 / 2 + 1 / Math.log2(5)) / (7 + 1 / Math.log2(3)),
      12,
    ),
    uniqueHit1: 0,
    uniqueRecall5: 1,
    uniqueMrr: got.mrr,
    uniqueNdcg5: got.ndcg5,
    uniqueNdcg10: got.ndcg10,
  })
  expect(Object.keys(got)).toEqual(metricLabels().map(({ name }) => name))
})

test('three rules for ties', () => {
  const tied = row({ scores: [1, 1], positives: [0] })
  expect(perMetric(({ of }) => of(tied))).toMatchObject({ hit1: 0.5, firstWins: 1, strict: 0 })
})

test('40 lists of graded relevance without ties: as trec_eval', () => {
  const fixture = new URL('../../../test/fixtures/numeric/ranking.json', import.meta.url)
  const numbers = z.array(z.number())
  const list = z.object({
    scores: numbers,
    positives: numbers,
    grades: numbers,
    expected: z.record(z.string(), z.number()),
  })
  const { lists } = z.object({ lists: z.array(list) }).parse(JSON.parse(readFileSync(fixture, 'utf8')))
  expect(lists.length).toBe(40)
  for (const { expected, ...given } of lists) {
    const rankings = row(given)
    const got = perMetric(({ of }) => of(rankings))
    for (const [name, value] of Object.entries(expected)) expect(got[name]).toBeCloseTo(value, 10)
  }
})
