import { fc, test as propertyTest } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import {
  averagePrecision,
  firstRank,
  hitAt,
  ndcgAt,
  type RankedList,
  type Ranking,
  rank,
  recallAt,
  reciprocalRank,
  ScoringError,
  type Ties,
} from './ranking.ts'

/** Grades in an order of the candidates, 0 for wrong ones. */
type Order = readonly number[]

/** Orders that a rule for ties allows. A candidate that came before counts as a wrong one. */
function orders({ scores, positives, grades, copies }: RankedList, ties: Ties): Order[] {
  const rightOf = (i: number) =>
    positives.findIndex((positive, at) => positive === i || copies?.[at]?.includes(i))
  const gradeOf = (i: number) => {
    const at = rightOf(i)
    return at < 0 ? 0 : (grades?.[at] ?? 1)
  }
  const firstCounts = (order: readonly number[]) =>
    order.map((item, place) => {
      const again = rightOf(item) >= 0 && order.slice(0, place).some((one) => rightOf(one) === rightOf(item))
      return again ? 0 : gradeOf(item)
    })
  const items = Array.from({ length: scores.length }, (_, i) => i)
  const falling = (order: readonly number[]) =>
    order.every((item, place) => place === 0 || scores[order[place - 1]!]! >= scores[item]!)
  const chosen = {
    expected: () => permutations(items).filter(falling),
    first: () => [items.toSorted((a, b) => scores[b]! - scores[a]!)],
    strict: () => [items.toSorted((a, b) => scores[b]! - scores[a]! || gradeOf(a) - gradeOf(b))],
  }
  return chosen[ties]().map(firstCounts)
}

function permutations(items: number[]): number[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item) =>
    permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
  )
}

const dcg = (order: Order, k: number, worth: (grade: number) => number) =>
  order.slice(0, k).reduce((sum, grade, place) => sum + worth(grade) / Math.log2(place + 2), 0)
const ndcg = (order: Order, k: number, worth: (grade: number) => number) =>
  dcg(order, k, worth) /
  dcg(
    order.toSorted((a, b) => b - a),
    k,
    worth,
  )
const right = (order: Order) => order.filter((grade) => grade > 0).length

/** Each score, and its definition on one order. */
const scores: Record<
  string,
  { of: (k: number, ranking: Ranking) => number; definition: (k: number, order: Order) => number }
> = {
  'hit@k': { of: hitAt, definition: (k, order) => Math.sign(right(order.slice(0, k))) },
  'recall@k': { of: recallAt, definition: (k, order) => right(order.slice(0, k)) / right(order) },
  'reciprocal rank': {
    of: (_, ranking) => reciprocalRank(ranking),
    definition: (_, order) => 1 / (order.findIndex((grade) => grade > 0) + 1),
  },
  // Negated: higher is better, as for the other scores.
  'rank of the first right candidate': {
    of: (_, ranking) => -firstRank(ranking),
    definition: (_, order) => -(order.findIndex((grade) => grade > 0) + 1),
  },
  'average precision': {
    of: (_, ranking) => averagePrecision(ranking),
    definition: (_, order) =>
      order.reduce(
        (sum, grade, place) => sum + (grade > 0 ? right(order.slice(0, place + 1)) / (place + 1) : 0),
        0,
      ) / right(order),
  },
  'nDCG@k, linear': { of: ndcgAt, definition: (k, order) => ndcg(order, k, (grade) => grade) },
  'nDCG@k, exponential': {
    of: (k, ranking) => ndcgAt(k, ranking, 'exponential'),
    definition: (k, order) => ndcg(order, k, (grade) => 2 ** grade - 1),
  },
}

const lists = fc
  .array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 6 })
  .chain((given) =>
    fc.record({
      scores: fc.constant(given),
      positives: fc.shuffledSubarray(
        given.map((_, i) => i),
        { minLength: 1 },
      ),
      grade: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 6, maxLength: 6 }),
    }),
  )
  .map(({ grade, ...list }) => ({ ...list, grades: list.positives.map((at) => grade[at]!) }))

describe.each(Object.entries(scores))('%s', (_, { of, definition }) => {
  describe.each(['expected', 'first', 'strict'] as const)('ties: %s', (ties) => {
    propertyTest.prop([lists, fc.integer({ min: 1, max: 7 })], { seed: 11, numRuns: 100 })(
      'equals the mean of its definition over the orders of this rule',
      (list, k) => {
        const all = orders(list, ties)
        const expected = all.reduce((sum, order) => sum + definition(k, order), 0) / all.length
        expect(of(k, rank(list, ties))).toBeCloseTo(expected, 10)
      },
    )
  })
})

/** Lists in which right candidates of one score and grade are one candidate. */
const repeated = lists.map(({ scores: given, positives, grades }) => {
  const groups = new Map<string, { grade: number; at: number[] }>()
  for (const [i, at] of positives.entries()) {
    const grade = grades[i]!
    const key = `${given[at]} ${grade}`
    const group = groups.get(key) ?? { grade, at: [] }
    groups.set(key, group)
    group.at.push(at)
  }
  const all = [...groups.values()]
  return {
    scores: given,
    positives: all.map(({ at }) => at[0]!),
    grades: all.map(({ grade }) => grade),
    copies: all.map(({ at }) => at.slice(1)),
  }
})

describe.each(Object.entries(scores))('%s, right candidates that are repeated', (_, { of, definition }) => {
  describe.each(['expected', 'first', 'strict'] as const)('ties: %s', (ties) => {
    propertyTest.prop([repeated, fc.integer({ min: 1, max: 7 })], { seed: 13, numRuns: 100 })(
      'the first of them counts',
      (list, k) => {
        const all = orders(list, ties)
        const expected = all.reduce((sum, order) => sum + definition(k, order), 0) / all.length
        expect(of(k, rank(list, ties))).toBeCloseTo(expected, 10)
      },
    )
  })
})

propertyTest.prop([lists, fc.integer({ min: 1, max: 7 })], { seed: 12, numRuns: 100 })(
  'a strict score is at most the expected one',
  (list, k) => {
    for (const { of } of Object.values(scores))
      expect(of(k, rank(list, 'strict'))).toBeLessThanOrEqual(of(k, rank(list)) + 1e-12)
  },
)

test('equal scores for everything earn chance, where the published rule gives full marks', () => {
  const list = { scores: new Float32Array(1000), positives: [0] }
  expect(hitAt(1, rank(list))).toBeCloseTo(0.001, 12)
  expect(recallAt(10, rank(list))).toBeCloseTo(0.01, 12)
  expect(hitAt(1, rank(list, 'first'))).toBe(1)
  expect(hitAt(999, rank(list, 'strict'))).toBe(0)
})

test('the published rule: a tied candidate loses to those before it', () => {
  expect(hitAt(1, rank({ scores: [1, 1, 0], positives: [0] }, 'first'))).toBe(1)
  expect(hitAt(1, rank({ scores: [1, 1, 0], positives: [1] }, 'first'))).toBe(0)
})

test.each([
  ['scoring/no-candidates', { scores: [], positives: [0] }],
  ['scoring/no-positive', { scores: [1], positives: [] }],
  ['scoring/positive-index', { scores: [1], positives: [1] }],
  ['scoring/positive-index', { scores: [1, 2], positives: [1, 1] }],
  ['scoring/positive-index', { scores: [1, 2], positives: [0], copies: [[1]] }],
  ['scoring/positive-index', { scores: [1, 1], positives: [0], copies: [[0]] }],
  ['scoring/positive-index', { scores: [1, 1], positives: [0], copies: [] }],
  ['scoring/grades', { scores: [1], positives: [0], grades: [] }],
  ['scoring/grades', { scores: [1], positives: [0], grades: [0] }],
  ['scoring/not-finite', { scores: [1, Number.NaN], positives: [0] }],
])('%s', (code, list) => {
  expect(() => rank(list)).toThrow(expect.objectContaining({ code }))
  expect(() => rank(list)).toThrow(ScoringError)
})
