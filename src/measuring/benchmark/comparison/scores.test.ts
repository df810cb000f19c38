import { describe, expect, test } from 'vitest'
import { stream } from '../../../foundation/numeric/random.ts'
import type { ModelScores } from '../evaluate.ts'
import { compareScores, flips } from './scores.ts'

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
    expect(task!.mcnemar.b).toBe(0)
    expect(task!.mcnemar.p).toBeCloseTo(2 * 0.5 ** task!.mcnemar.a, 8)
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
    expect(onlyA.length).toBe(tasks[0]!.mcnemar.a)
    expect(onlyA.every((id) => Number(id.slice(4)) % 20 === 0)).toBe(true)
    expect(onlyB).toEqual([])
  })
})

test('a model against itself: 0, no evidence, nothing to detect', () => {
  const one = scored('a', { one: drawn(50, 0.5, 'x') })
  const { tasks } = compareScores(one, { ...one, model: 'b' }, options)
  expect(tasks[0]).toMatchObject({
    difference: { value: 0, low: 0, high: 0 },
    detectable: 0,
    mcnemar: { a: 0, b: 0, p: 1 },
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
  expect(tasks[0]!.adjusted).toBeCloseTo(3 * tasks[0]!.mcnemar.p, 12)
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
