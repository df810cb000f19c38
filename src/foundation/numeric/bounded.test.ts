import { describe, expect, test } from 'vitest'
import { bootstrapMean } from './bootstrap.ts'
import { boundedMeanOfTasks, pairedDifference } from './bounded.ts'
import { fillNormal, stream } from './random.ts'

const own = (count: number) => Array.from({ length: count }, (_, i) => `row ${i}`)
const same = (count: number, value: number) => new Array<number>(count).fill(value)
/** Differences of 1 for the first `up` rows, −1 for the next `down`, 0 for the rest. */
function parted(count: number, up: number, down = 0) {
  const a = own(count).map((_, i) => Number(i < up))
  const b = own(count).map((_, i) => Number(i >= up && i < up + down))
  return { a, b, clusters: own(count) }
}
const options = { seed: 1 }

test('a paired difference of two noisy copies is far narrower than either mean', () => {
  const normals = (key: string) => fillNormal(new Float32Array(300), 1, stream(7, key))
  const [shared, noise] = [normals('shared'), normals('noise')]
  const better = shared.map((value, i) => value + 0.1 + 0.05 * noise[i]!)
  const { value, low, high } = pairedDifference([{ a: better, b: shared, clusters: own(300) }], options)
  expect(value).toBeCloseTo(0.1, 2)
  expect(low).toBeGreaterThan(0)
  const alone = bootstrapMean(shared, own(300), options)
  expect(high - low).toBeLessThan(0.1 * (alone.high - alone.low))
})

test('the other way round the interval is the mirror image, to the bit', () => {
  const tasks = [parted(47, 13, 6), parted(20, 3, 1)]
  const turned = tasks.map(({ a, b, clusters }) => ({ a: b, b: a, clusters }))
  const { value, low, high } = pairedDifference(tasks, options)
  expect(pairedDifference(turned, options)).toEqual({ value: -value, low: -high, high: -low })
})

describe('values that are all equal', () => {
  const hits = (count: number, value: number, clusters = own(count)) =>
    boundedMeanOfTasks([{ values: same(count, value), clusters, least: 0, most: 1 }], options)

  test('none of 40, all of 40: the exact interval of a share (Clopper & Pearson)', () => {
    expect(hits(40, 0)).toEqual({ value: 0, low: 0, high: expect.closeTo(0.0881, 4) })
    expect(hits(40, 1)).toEqual({ value: 1, low: expect.closeTo(0.9119, 4), high: 1 })
  })

  test('rows of one cluster count as one', () => {
    expect(hits(40, 0, same(40, 0).map(String)).high).toBeCloseTo(0.975, 6)
  })

  test('no query tells two models apart: they may still differ, in either direction', () => {
    const { value, low, high } = pairedDifference([parted(40, 0)], options)
    expect([value, low, high]).toEqual([0, expect.closeTo(-0.0881, 4), expect.closeTo(0.0881, 4)])
  })

  test('one such task among others adds its part by squares', () => {
    const varied = parted(60, 20, 15)
    const alone = pairedDifference([varied], options)
    const { value, high } = pairedDifference([varied, parted(40, 0)], options)
    expect(value).toBeCloseTo(alone.value / 2, 12)
    expect(high - value).toBeCloseTo(Math.hypot(alone.high - alone.value, 0.0881) / 2, 3)
  })
})

describe('queries that part in one direction alone', () => {
  test.each([
    [4, false],
    [5, false],
    [6, true],
  ])('%i of 100: the model is the better one: %s, as the exact test says', (count, isBetter) => {
    expect(pairedDifference([parted(100, count)], options).low > 0).toBe(isBetter)
    expect(pairedDifference([parted(100, 0, count)], options).high < 0).toBe(isBetter)
  })

  test('all of five are no certainty, all of six are', () => {
    expect(pairedDifference([parted(5, 5)], options)).toEqual({
      value: 1,
      low: expect.closeTo(2 * 0.025 ** (1 / 5) - 1, 12),
      high: 1,
    })
    expect(pairedDifference([parted(6, 6)], options).low).toBeGreaterThan(0)
  })
})

test('rows of unequal length are refused', () => {
  expect(() => pairedDifference([{ a: [1, 0], b: [1], clusters: own(2) }], options)).toThrow(
    expect.objectContaining({ code: 'statistics/length' }),
  )
})
