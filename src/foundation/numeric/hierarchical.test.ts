import { describe, expect, test } from 'vitest'
import { hierarchicalInterval, type Stratum } from './hierarchical.ts'
import { studentQuantile } from './quantiles.ts'
import { fillNormal, type Random, stream } from './random.ts'
import { mean } from './statistics.ts'

const ROWS = 200
const own = Array.from({ length: ROWS }, (_, i) => `row ${i}`)
const options = { seed: 1, resamples: 4000 }

const normal = (std: number, random: Random) => fillNormal(new Float32Array(1), std, random)[0]!

/** Draws of one task: a level for each draw, the same rows, noise of its own on each. */
function stratum(levels: readonly number[], noise: number, random: Random): Stratum {
  return levels.map((level) => [Float64Array.from({ length: ROWS }, () => level + normal(noise, random))])
}

describe('an interval over trainings', () => {
  test('is a t interval of the trainings where rows do not vary', () => {
    const levels = [0.3, 0.4, 0.8]
    const found = hierarchicalInterval([stratum(levels, 0, stream(1))], [own], options)
    const error = Math.sqrt(
      levels.reduce((sum, level) => sum + (level - mean(levels)) ** 2, 0) / 2 / levels.length,
    )
    expect(found.value).toBeCloseTo(0.5, 12)
    expect(found.standardError).toBeCloseTo(error, 12)
    expect(found.freedom).toBeCloseTo(2, 9)
    // Its form is the bootstrap's, its width Student's.
    const width = 2 * studentQuantile(0.975, 2) * error
    expect((found.high - found.low) / width).toBeGreaterThan(0.8)
    expect((found.high - found.low) / width).toBeLessThan(1.2)
    expect(found.shares).toEqual({ trainings: 1, rows: 0 })
  })

  test('is that of the rows where trainings are alike', () => {
    const random = stream(2)
    const rows = Float64Array.from({ length: ROWS }, () => normal(1, random))
    const found = hierarchicalInterval([[[rows], [rows], [rows]]], [own], options)
    const squares = rows.reduce((sum, value) => sum + (value - mean(rows)) ** 2, 0)
    expect(found.standardError).toBeCloseTo(Math.sqrt(squares / (ROWS - 1) / ROWS), 9)
    expect(found.shares.rows).toBe(1)
    expect((found.high - found.low) / found.standardError).toBeCloseTo(2 * 1.97, 0)
  })

  test('counts the chance of one training on one row once, not twice', () => {
    // Pure noise: the variance of the mean over draws and rows is 1 / (draws · rows).
    let sum = 0
    const repetitions = 400
    for (let r = 0; r < repetitions; r++) {
      const noise = stratum([0, 0, 0], 1, stream(3, r))
      sum += hierarchicalInterval([noise], [own], { seed: r, resamples: 2 }).standardError ** 2
    }
    const expected = 1 / (3 * ROWS)
    // The rest is the clamp: a variance is never less than nothing.
    expect(sum / repetitions / expected).toBeGreaterThan(0.95)
    expect(sum / repetitions / expected).toBeLessThan(1.6)
  })

  test('rows of a cluster are drawn together', () => {
    const random = stream(4)
    const levels = Array.from({ length: 20 }, () => normal(1, random))
    const rows = Float64Array.from({ length: ROWS }, (_, i) => levels[i % 20]!)
    const together = own.map((_, i) => `cluster ${i % 20}`)
    const apart = hierarchicalInterval([[[rows]]], [own], options)
    const shared = hierarchicalInterval([[[rows]]], [together], options)
    expect(shared.standardError / apart.standardError).toBeGreaterThan(2.5)
  })

  test('strata add up, and one draw of a kind covers no other trainings', () => {
    const [a, b] = [stratum([0.6, 0.7], 0, stream(5)), stratum([-0.2], 0.1, stream(6))]
    const found = hierarchicalInterval([a, b], [own], options)
    const value = 0.65 + mean(Float64Array.from(b[0]![0]!))
    expect(found.value).toBeCloseTo(value, 12)
    expect(found.covered).toBe(false)
    expect(hierarchicalInterval([a, a], [own], options).covered).toBe(true)
  })

  test('the same numbers give the same interval; nothing varying gives none', () => {
    const noisy = stratum([0.3, 0.5], 0.2, stream(7))
    expect(hierarchicalInterval([noisy], [own], options)).toEqual(
      hierarchicalInterval([noisy], [own], options),
    )
    const still = hierarchicalInterval([stratum([0.4, 0.4], 0, stream(8))], [own], options)
    expect([still.low, still.high]).toEqual([still.value, still.value])
  })

  test.each([
    ['no draws', [[]], [own], 'statistics/empty'],
    ['rows of another number', [[[[1, 2]]]], [['a', 'b', 'c']], 'statistics/length'],
    ['one cluster', [[[[1, 2]]]], [['a', 'a']], 'statistics/clusters'],
    ['a value that is no number', [[[[1, Number.NaN]]]], [['a', 'b']], 'statistics/not-finite'],
  ])('refuses %s', (_, strata, clusters, code) => {
    expect(() => hierarchicalInterval(strata, clusters, options)).toThrow(expect.objectContaining({ code }))
  })
})
