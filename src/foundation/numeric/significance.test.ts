import { describe, expect, test } from 'vitest'
import { stream } from './random.ts'
import { holm, signFlipTest, signTest } from './significance.ts'

/** As many pairs where `a` wins and where `b` does, and some ties. */
const pairs = (first: number, second: number) => {
  const a = [...new Array<number>(first).fill(1), ...new Array<number>(second).fill(0), 1, 0]
  return signTest(
    a,
    a.map((value, i) => (i < first + second ? 1 - value : value)),
  )
}

// Values of scipy.stats.binomtest(k, n).
test.each([
  [0, 1, 1],
  [0, 6, 0.03125],
  [3, 6, 1],
  [2, 10, 0.109375],
  [40, 100, 0.05688793364098089],
  [470, 1000, 0.06202319509836343],
  [4900, 10000, 0.04658552770494645],
])('%d of %d', (least, count, p) => {
  expect(pairs(least, count - least)).toMatchObject({ a: least, b: count - least })
  expect(pairs(least, count - least).p).toBeCloseTo(p, 8)
  expect(pairs(count - least, least).p).toBeCloseTo(p, 8)
})

test('pairs that are equal do not count; none at all is no evidence', () => {
  expect(signTest([1, 0.5], [1, 0.5])).toEqual({ a: 0, b: 0, p: 1 })
})

describe('Holm', () => {
  test('multiplies the least by their number, and never falls', () => {
    expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02])
  })

  test('of one is itself, of large ones 1', () => {
    expect(holm([0.2])).toEqual([0.2])
    expect(holm([0.6, 0.9])).toEqual([1, 1])
    expect(holm([])).toEqual([])
  })
})

describe('flips of signs', () => {
  const rows = (values: readonly number[], clusters = values.map((_, i) => `${i}`)) => ({ values, clusters })

  // Of 2^6 choices of signs two are as large.
  test('six clusters of one sign: twice in 64', () => {
    expect(signFlipTest([rows([1, 1, 0.5, 1, 1, 1])], { seed: 1 })).toBeCloseTo(2 / 64, 2)
  })

  test('rows of one cluster count as one', () => {
    const p = signFlipTest([rows([1, 1, 1, 1, 1, 1], ['a', 'a', 'b', 'b', 'c', 'c'])], { seed: 1 })
    expect(p).toBeCloseTo(2 / 8, 1)
  })

  test('each task counts the same, whatever its rows', () => {
    const many = rows(new Array<number>(40).fill(0).map((_, i) => (i % 2 === 0 ? 1 : -1)))
    const few = rows([1, 1, 1, 1, 1, 1, 1, 1])
    expect(signFlipTest([many, few], { seed: 1 })).toBeLessThan(0.05)
    expect(signFlipTest([many], { seed: 1 })).toBe(1)
  })

  test('no difference is no evidence, and no draw is never', () => {
    expect(signFlipTest([rows([0, 0, 0])], { seed: 1 })).toBe(1)
    const strong = rows(new Array<number>(60).fill(1))
    expect(signFlipTest([strong], { seed: 1, draws: 99 })).toBe(1 / 100)
  })

  test('where nothing differs, one in twenty is below 0.05', () => {
    let below = 0
    for (let run = 0; run < 300; run++) {
      const random = stream('no difference', run)
      const values = Array.from({ length: 30 }, () => Math.sign(random() - 0.5) * Math.floor(3 * random()))
      if (signFlipTest([rows(values)], { seed: run, draws: 199 }) <= 0.05) below += 1
    }
    expect(below / 300).toBeGreaterThan(0.02)
    expect(below / 300).toBeLessThan(0.08)
  })
})
