import { describe, expect, test } from 'vitest'
import {
  areaUnderRoc,
  mean,
  meanRanks,
  pearson,
  quantile,
  requireFinite,
  StatisticsError,
  spearman,
} from './statistics.ts'

describe('area under the ROC curve', () => {
  test.each([
    ['apart', [3, 4], [1, 2], 1],
    ['reversed', [1], [2, 3], 0],
    ['all tied', [1, 1], [1, 1, 1], 0.5],
    // 2 beats 1, ties with 2, loses to 3; 3 beats two, ties with one: (1 + ½ + 2 + ½) / 6.
    ['with ties, by hand', [2, 3], [1, 2, 3], 4 / 6],
  ])('%s', (_, positives, negatives, expected) => {
    expect(areaUnderRoc({ scores: positives }, { scores: negatives })).toBeCloseTo(expected, 12)
  })

  test('a weight of 2 equals the row twice, a weight of 0 its absence', () => {
    const weighted = areaUnderRoc(
      { scores: [2, 5], weights: [2, 1] },
      { scores: [1, 2, 9], weights: [1, 3, 0] },
    )
    expect(weighted).toBeCloseTo(areaUnderRoc({ scores: [2, 2, 5] }, { scores: [1, 2, 2, 2] }), 12)
  })
})

test('tied values share the mean of their ranks', () =>
  expect(meanRanks([5, 1, 5, 9])).toBeAllClose([2.5, 1, 2.5, 4]))
test('quantile', () => expect(quantile(new Float32Array([4, 1, 3, 2]), 0.5)).toBe(2.5))
test('mean', () => expect(mean([1, 2, 6])).toBe(3))

describe('correlation', () => {
  test('Spearman sees order only', () =>
    expect(spearman([1, 2, 3, 4], [1, 10, 100, 1000])).toBeCloseTo(1, 12))
  // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: covariance 4.5, variances 4.5 and 5.
  test('Spearman with ties, by hand', () =>
    expect(spearman([1, 2, 2, 4], [1, 2, 3, 4])).toBeCloseTo(4.5 / Math.sqrt(4.5 * 5), 12))
  test('Pearson of a line', () => expect(pearson([1, 2, 3], [-2, -4, -6])).toBeCloseTo(-1, 12))
  test('unequal lengths', () => expect(() => pearson([1], [1, 2])).toThrow(StatisticsError))
})

test.each([
  ['statistics/empty', []],
  ['statistics/not-finite', [0, Number.POSITIVE_INFINITY]],
])('%s', (code, values) =>
  expect(() => requireFinite(values, 'scores')).toThrow(expect.objectContaining({ code })),
)
