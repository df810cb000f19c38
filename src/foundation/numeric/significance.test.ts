import { describe, expect, test } from 'vitest'
import { holm, signTest } from './significance.ts'

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
