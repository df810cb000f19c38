import { describe, expect, test } from 'vitest'
import { stream } from '../../../foundation/numeric/random.ts'
import type { ModelScores, TaskScores } from '../evaluate.ts'
import { compareScores, compareUnpaired, flips } from './scores.ts'

/** One model on tasks: hits by task, each in a cluster of `size` queries. */
function scored(model: string, hits: Readonly<Record<string, readonly number[]>>, size = 1): ModelScores {
  return {
    model,
    tasks: Object.entries(hits).map(([task, all]) => ({
      task,
      rows: all.map((hit1, i) => ({
        id: `${task}-${i}`,
        cluster: `${Math.floor(i / size)}`,
        hit1,
        metrics: {},
        best: 0,
        scoreGap: 0,
        predicted: 'a',
        rank: 2 - hit1,
      })),
    })),
  }
}

/** Hits with probability `p`, drawn from a seed. */
function drawn(count: number, p: number, key: string): number[] {
  const random = stream(3, key)
  return Array.from({ length: count }, () => Number(random() < p))
}

const options = { seed: 1, resamples: 1000 }

describe('a difference that is there', () => {
  const base = drawn(600, 0.5, 'base')
  // Every twentieth query more.
  const better = base.map((hit, i) => (i % 20 === 0 ? 1 : hit))
  const { tasks, mean } = compareScores(scored('a', { one: better }), scored('b', { one: base }), options)

  test('is found: the interval leaves out 0, and so does the exact test', () => {
    const [task] = tasks
    expect(task!.difference.value).toBeCloseTo(task!.a - task!.b, 12)
    expect(task!.difference.low).toBeGreaterThan(0)
    expect(task!.test.b).toBe(0)
    expect(task!.test.p).toBeCloseTo(2 * 0.5 ** task!.test.a, 8)
    expect(mean.difference).toEqual(task!.difference)
  })

  test('is larger than the least that could be seen: 2.8 standard errors', () => {
    const share = tasks[0]!.difference.value
    const error = Math.sqrt((share - share ** 2) / 599)
    expect(tasks[0]!.detectable).toBeCloseTo(2.8015 * error, 4)
    expect(tasks[0]!.detectable).toBeLessThan(share)
  })

  test('flips are the queries on which the models part', () => {
    const [{ onlyA, onlyB }] = [flips(scored('a', { one: better }), scored('b', { one: base }))[0]!]
    expect(onlyA.length).toBe(tasks[0]!.test.a)
    expect(onlyA.every((id) => Number(id.slice(4)) % 20 === 0)).toBe(true)
    expect(onlyB).toEqual([])
  })
})

test('a model against itself: 0, no evidence, and other queries may tell them apart', () => {
  const one = scored('a', { one: drawn(50, 0.5, 'x') })
  const { tasks } = compareScores(one, { ...one, model: 'b' }, options)
  expect(tasks[0]).toMatchObject({
    difference: { value: 0, low: expect.closeTo(-0.0711, 4), high: expect.closeTo(0.0711, 4) },
    detectable: Number.NaN,
    test: { a: 0, b: 0, p: 1 },
    adjusted: 1,
  })
})

test('queries that share a picture widen the interval', () => {
  const random = stream(5, 'clusters')
  const hits = Array.from({ length: 40 }, () => Number(random() < 0.5)).flatMap((hit) =>
    new Array<number>(8).fill(hit),
  )
  const other = hits.map((_, i) => Number(i % 16 < 8))
  const width = (size: number) => {
    const { difference } = compareScores(
      scored('a', { t: hits }, size),
      scored('b', { t: other }, size),
      options,
    ).tasks[0]!
    return difference.high - difference.low
  }
  expect(width(8) / width(1)).toBeGreaterThan(2.3)
})

test('few clusters: wider than the percentiles by Student’s quantile', () => {
  const a = scored('a', { t: drawn(12, 0.6, 'few a') })
  const b = scored('b', { t: drawn(12, 0.4, 'few b') })
  const { difference, detectable } = compareScores(a, b, { ...options, resamples: 20_000 }).tasks[0]!
  const error = detectable / 2.8015
  // t of 11 degrees of freedom: 2.201, against 1.96.
  expect((difference.high - difference.low) / (2 * error)).toBeGreaterThan(2.05)
})

test('p-values are adjusted over tasks', () => {
  const base = drawn(40, 0.5, 'many')
  const up = (count: number) => base.map((hit, i) => (i < count ? 1 : hit))
  const { tasks } = compareScores(
    scored('a', { x: up(30), y: up(4), z: up(0) }),
    scored('b', { x: base, y: base, z: base }),
    options,
  )
  expect(tasks[0]!.adjusted).toBeCloseTo(3 * tasks[0]!.test.p, 12)
  expect(tasks[2]!.adjusted).toBe(1)
})

test('scores of other rows are refused', () => {
  const a = scored('a', { one: [1, 0] })
  for (const b of [
    scored('b', { two: [1, 0] }),
    scored('b', { one: [1] }),
    scored('b', { one: [1, 0], two: [1] }),
  ])
    expect(() => compareScores(a, b, options)).toThrow(
      expect.objectContaining({ code: 'benchmark/other-rows' }),
    )
})

test('another metric: its own values decide difference, test and flips', () => {
  const withMrr = (model: string, mrr: readonly number[]): ModelScores => {
    const [task] = scored(model, { one: mrr.map(() => 0) }).tasks
    return {
      model,
      tasks: [{ task: 'one', rows: task!.rows.map((row, i) => ({ ...row, metrics: { mrr: mrr[i]! } })) }],
    }
  }
  const [a, b] = [withMrr('a', [1, 0.5, 1, 0.25]), withMrr('b', [1, 1, 0.5, 0.125])]
  const { tasks } = compareScores(a, b, { ...options, metric: 'mrr' })
  expect(tasks[0]).toMatchObject({ a: 0.6875, b: 0.65625, test: { a: 2, b: 1 }, clusters: 4 })
  expect(flips(a, b, 'mrr')[0]).toEqual({ task: 'one', onlyA: ['one-2', 'one-3'], onlyB: ['one-1'] })
  expect(() => compareScores(a, b, { ...options, metric: 'map' })).toThrow(
    expect.objectContaining({ code: 'benchmark/no-metric' }),
  )
})

describe('two halves of one run', () => {
  /** Hits of one model on pictures of four queries each, as hard as their picture. */
  const rows = (seed: number, better = 0): TaskScores => {
    const random = stream(seed, 'halves')
    const hits = Array.from({ length: 400 }, () => {
      const ease = 0.2 + 0.6 * random() + better
      return Array.from({ length: 4 }, () => Number(random() < ease))
    }).flat()
    return scored('a', { one: hits }, 4).tasks[0]!
  }
  /** Pictures of even number and of odd number: a query is in one half alone. */
  const half = ({ task, rows: all }: TaskScores, odd: number): TaskScores => ({
    task,
    rows: all.filter(({ cluster }) => Number(cluster) % 2 === odd),
  })

  test('no difference is found beyond chance, in 200 runs', () => {
    let found = 0
    for (let seed = 0; seed < 200; seed++) {
      const run = rows(seed)
      const { difference } = compareUnpaired([half(run, 0)], [half(run, 1)], { seed, resamples: 300 })
      if (difference.low > 0 || difference.high < 0) found += 1
    }
    // 5 % of 200 are 10; more than 20 has a probability below 0.001.
    expect(found).toBeGreaterThan(0)
    expect(found).toBeLessThan(21)
  })

  test('a half that is better by construction is found', () => {
    const [a, b] = [half(rows(1, 0.15), 0), half(rows(1), 1)]
    const { difference, detectable } = compareUnpaired([a], [b], options)
    expect(difference.value).toBeCloseTo(
      a.rows.reduce((sum, { hit1 }) => sum + hit1, 0) / a.rows.length -
        b.rows.reduce((sum, { hit1 }) => sum + hit1, 0) / b.rows.length,
      12,
    )
    expect(difference.low).toBeGreaterThan(0)
    expect(detectable).toBeLessThan(difference.value)
  })

  test('the same queries of two models are compared in pairs: a far narrower interval', () => {
    const [a, b] = [rows(2, 0.05), rows(2)]
    const paired = compareScores({ model: 'a', tasks: [a] }, { model: 'b', tasks: [b] }, options).mean
    const apart = compareUnpaired([a], [b], options)
    expect(apart.difference.value).toBeCloseTo(paired.difference.value, 12)
    expect(apart.detectable / paired.detectable).toBeGreaterThan(2)
  })

  test('all hits of few queries against none are no certainty', () => {
    const all = (hit: number, count: number) => scored('a', { one: new Array<number>(count).fill(hit) }).tasks
    const wide = compareUnpaired(all(1, 3), all(0, 3), options).difference
    expect(wide.value).toBe(1)
    expect(wide.high).toBe(1)
    expect(wide.low).toBeLessThan(0)
    expect(compareUnpaired(all(1, 20), all(0, 20), options).difference.low).toBeCloseTo(0.762, 3)
  })

  test('other tasks are refused', () => {
    expect(() => compareUnpaired([rows(1)], [{ ...rows(1), task: 'two' }], options)).toThrow(
      expect.objectContaining({ code: 'benchmark/other-rows' }),
    )
  })
})

describe('queries that all differ alike', () => {
  const won = (clusters: number, size = 1) => {
    const ones = Array.from({ length: clusters * size }, () => 1)
    const none = ones.map(() => 0)
    return compareScores(scored('a', { one: ones }, size), scored('b', { one: none }, size), options)
  }

  test.each([
    [1, false],
    [2, false],
    [5, false],
    [6, true],
  ])('of %i, a model is the better one: %s, as the exact test says', (count, isBetter) => {
    const [task] = won(count).tasks
    expect(task!.difference.value).toBe(1)
    expect(task!.difference.low > 0).toBe(isBetter)
    expect(task!.test.p < 0.05).toBe(isBetter)
  })

  test('queries of one picture count as one', () => {
    expect(won(1, 20).mean.difference.low).toBeLessThan(-0.9)
  })
})
