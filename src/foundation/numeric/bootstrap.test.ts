import { describe, expect, test } from 'vitest'
import { bootstrapMean, bootstrapWeighted, type Interval, meanOfTasks } from './bootstrap.ts'
import { fillNormal, stream } from './random.ts'
import { mean } from './statistics.ts'

const normals = (count: number, seed: number) => fillNormal(new Float32Array(count), 1, stream(seed, 'test'))
const own = (count: number) => Array.from({ length: count }, (_, i) => `row ${i}`)
const halfWidth = ({ low, high }: Interval) => (high - low) / 2
/** Half a 95 % interval of a mean of independent rows: 1.96 standard errors. */
const analytic = (values: ArrayLike<number>) => {
  const centre = mean(values)
  return 1.96 * Math.sqrt(mean(Array.from(values, (value) => (value - centre) ** 2)) / values.length)
}

describe('interval of a mean', () => {
  test('is as wide as the standard error says', () => {
    const values = normals(500, 1)
    const interval = bootstrapMean(values, own(500), { seed: 1, resamples: 4000 })
    expect(interval.value).toBeCloseTo(mean(values), 12)
    expect(halfWidth(interval) / analytic(values)).toBeCloseTo(1, 1)
    expect(Math.abs((interval.low + interval.high) / 2 - interval.value)).toBeLessThan(
      0.1 * halfWidth(interval),
    )
  })

  test('rows that repeat within clusters of 9 widen it three times', () => {
    const perCluster = normals(100, 2)
    const values = Array.from({ length: 900 }, (_, i) => perCluster[Math.floor(i / 9)]!)
    const clusters = values.map((_, i) => `cluster ${Math.floor(i / 9)}`)
    const options = { seed: 3, resamples: 4000 }
    const ratio =
      halfWidth(bootstrapMean(values, clusters, options)) /
      halfWidth(bootstrapMean(values, own(900), options))
    expect(ratio).toBeGreaterThan(2.8)
    expect(ratio).toBeLessThan(3.2)
  })

  test('covers the truth in about 95 of 100 samples', () => {
    let covered = 0
    for (let sample = 0; sample < 200; sample++) {
      const { low, high } = bootstrapMean(normals(100, 100 + sample), own(100), {
        seed: sample,
        resamples: 500,
      })
      if (low <= 0 && high >= 0) covered++
    }
    expect(covered).toBeGreaterThan(180)
    expect(covered).toBeLessThan(199)
  })

  test('depends on the seed and on nothing else', () => {
    const values = normals(50, 4)
    const interval = bootstrapMean(values, own(50), { seed: 5 })
    expect(bootstrapMean(values, own(50), { seed: 5 })).toEqual(interval)
    expect(bootstrapMean(values, own(50), { seed: 6 })).not.toEqual(interval)
  })
})

describe('mean of tasks', () => {
  const small = { values: normals(50, 9), clusters: own(50) }
  const large = { values: normals(800, 10).map((value) => value + 3), clusters: own(800) }

  test('counts each task once, however many rows it has', () => {
    const interval = meanOfTasks([small, large], { seed: 1, resamples: 4000 })
    expect(interval.value).toBeCloseTo((mean(small.values) + mean(large.values)) / 2, 12)
    expect(
      halfWidth(interval) / (Math.hypot(analytic(small.values), analytic(large.values)) / 2),
    ).toBeCloseTo(1, 1)
  })
})

describe('interval of a weighted statistic', () => {
  const values = normals(300, 11)
  const weightedMean = (weights: Float64Array) =>
    weights.reduce((sum, weight, i) => sum + weight * values[i]!, 0) / weights.reduce((a, b) => a + b)

  test('of a mean agrees with the standard error', () => {
    expect(
      halfWidth(bootstrapWeighted(own(300), weightedMean, { seed: 1, resamples: 2000 })) / analytic(values),
    ).toBeCloseTo(1, 1)
  })

  test('contains its value although noise lengthens the mean of 40-dimensional vectors', () => {
    const vectors = Array.from({ length: 40 }, (_, axis) => normals(100, 20 + axis))
    const squaredLength = (weights: Float64Array) =>
      vectors.reduce(
        (sum, column) =>
          sum + (weights.reduce((total, weight, i) => total + weight * column[i]!, 0) / 100) ** 2,
        0,
      )
    const { value, low, high } = bootstrapWeighted(own(100), squaredLength, { seed: 1, resamples: 500 })
    expect(low).toBeLessThan(value)
    expect(high).toBeGreaterThan(value)
  })
})

test.each([
  ['statistics/length', () => bootstrapMean([1, 2], ['a'], { seed: 1 })],
  ['statistics/empty', () => meanOfTasks([], { seed: 1 })],
  ['statistics/empty', () => bootstrapMean([], [], { seed: 1 })],
  ['statistics/not-finite', () => bootstrapMean([Number.NaN], ['a'], { seed: 1 })],
])('%s', (code, run) => expect(run).toThrow(expect.objectContaining({ code })))
