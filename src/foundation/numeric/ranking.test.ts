import { fc, test as propertyTest } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { perMetric } from '../../measuring/benchmark/metrics.ts'
import {
  hitAt,
  ndcgAt,
  publishedHitAt,
  type RankedList,
  recallAt,
  reciprocalRank,
  ScoringError,
} from './ranking.ts'

/** Mean of a score over every order of the candidates that respects their similarities. */
function bruteForce({ scores, positives }: RankedList, score: (ranking: boolean[]) => number): number {
  const orders = permutations(Array.from({ length: scores.length }, (_, i) => i)).filter((order) =>
    order.every((item, place) => place === 0 || scores[order[place - 1]!]! >= scores[item]!),
  )
  return (
    orders.reduce((sum, order) => sum + score(order.map((item) => positives.includes(item))), 0) /
    orders.length
  )
}

function permutations(items: number[]): number[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item) =>
    permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
  )
}

const dcg = (ranking: boolean[], k: number) =>
  ranking.slice(0, k).reduce((sum, right, place) => sum + (right ? 1 / Math.log2(place + 2) : 0), 0)

const lists = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 6 }).chain((scores) =>
  fc.record({
    scores: fc.constant(scores),
    positives: fc.subarray(
      scores.map((_, i) => i),
      { minLength: 1 },
    ),
  }),
)

describe('ties are scored as the expectation over random orders', () => {
  propertyTest.prop([lists, fc.integer({ min: 1, max: 7 })], { seed: 11, numRuns: 150 })(
    'for every score',
    (list, k) => {
      expect(hitAt(k, list)).toBeCloseTo(
        bruteForce(list, (ranking) => (ranking.slice(0, k).includes(true) ? 1 : 0)),
        10,
      )
      expect(recallAt(k, list)).toBeCloseTo(
        bruteForce(list, (r) => r.slice(0, k).filter(Boolean).length / list.positives.length),
        10,
      )
      expect(reciprocalRank(list)).toBeCloseTo(
        bruteForce(list, (ranking) => 1 / (ranking.indexOf(true) + 1)),
        10,
      )
      const ideal = dcg(new Array<boolean>(list.positives.length).fill(true), k)
      expect(ndcgAt(k, list)).toBeCloseTo(
        bruteForce(list, (ranking) => dcg(ranking, k) / ideal),
        10,
      )
    },
  )

  test('equal scores for everything earn chance, where the published rule gives full marks', () => {
    const list = { scores: new Float32Array(1000), positives: [0] }
    const scores = perMetric(({ of }) => of(list))
    expect(scores).toMatchObject({
      hit1: expect.closeTo(0.001, 12),
      recall10: expect.closeTo(0.01, 12),
      firstWins: 1,
    })
  })
})

describe('without ties', () => {
  const list = { scores: [0.1, 0.9, 0.5, 0.7], positives: [2] }
  test.each([
    ['hit@2', hitAt(2, list), 0],
    ['hit@3', hitAt(3, list), 1],
    ['reciprocal rank', reciprocalRank(list), 1 / 3],
    ['nDCG@10', ndcgAt(10, list), 0.5],
    ['published hit@2', publishedHitAt(2, list), 0],
    ['published hit@3', publishedHitAt(3, list), 1],
  ])('%s', (_, got, expected) => expect(got).toBeCloseTo(expected, 12))
})

test('the published rule: a tied candidate loses to those before it', () => {
  expect(publishedHitAt(1, { scores: [1, 1, 0], positives: [0] })).toBe(1)
  expect(publishedHitAt(1, { scores: [1, 1, 0], positives: [1] })).toBe(0)
})

test.each([
  ['scoring/no-candidates', { scores: [], positives: [0] }],
  ['scoring/no-positive', { scores: [1], positives: [] }],
  ['scoring/positive-index', { scores: [1], positives: [1] }],
  ['scoring/not-finite', { scores: [1, Number.NaN], positives: [0] }],
])('%s', (code, list) => {
  expect(() => hitAt(1, list)).toThrow(expect.objectContaining({ code }))
  expect(() => publishedHitAt(1, list)).toThrow(ScoringError)
})
