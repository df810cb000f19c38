import { fc, test as propertyTest } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { TopK } from './top-k.ts'

/** By sorting all of them. */
function sorted(row: readonly number[], k: number) {
  const order = [...row.keys()]
    .filter((column) => row[column]! > Number.NEGATIVE_INFINITY)
    .sort((a, b) => row[b]! - row[a]! || a - b)
    .slice(0, k)
  const padding = k - order.length
  return {
    columns: [...order, ...new Array<number>(padding).fill(-1)],
    scores: [
      // −0 comes back as 0.
      ...order.map((column) => row[column]! + 0),
      ...new Array<number>(padding).fill(Number.NEGATIVE_INFINITY),
    ],
  }
}

const score = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constant(Number.NEGATIVE_INFINITY),
  fc.float({ noNaN: true }),
)
const row = fc.array(score, { minLength: 0, maxLength: 40 })

propertyTest.prop([row, row, fc.integer({ min: 0, max: 12 }), fc.integer({ min: 1, max: 41 })], {
  seed: 3,
  numRuns: 400,
})('equals a sort with ties by column, however the columns are cut', (first, second, k, cut) => {
  const best = new TopK(2, k)
  for (const [at, scores] of [first, second].entries())
    for (let from = 0; from < scores.length; from += cut)
      best.offer(at, Float32Array.from(scores), from, Math.min(cut, scores.length - from), from)
  const { columns, scores } = best.finish()
  const expected = [sorted(first, k), sorted(second, k)]
  expect(Array.from(columns)).toEqual(expected.flatMap((one) => one.columns))
  expect(Array.from(scores)).toEqual(expected.flatMap((one) => one.scores))
})

test.each([
  ['even ones', (i: number) => Math.sin(i)],
  ['a few far above many', (i: number) => (i % 300 === 0 ? 1e6 + i : i % 7)],
  ['near one value', (i: number) => 0.5 + (i % 50) * 2 ** -24],
  ['with +∞', (i: number) => (i === 77 ? Number.POSITIVE_INFINITY : -i)],
])('many scores at a time, %s: equals a sort', (_, scoreOf) => {
  const many = Array.from(Float32Array.from({ length: 2000 }, (_, i) => scoreOf(i)))
  const best = new TopK(1, 60)
  best.offer(0, Float32Array.from(many), 0, many.length, 0)
  expect(Array.from(best.finish().columns)).toEqual(sorted(many, 60).columns)
})

test('columns count from where the caller says', () => {
  const best = new TopK(1, 2)
  best.offer(0, Float32Array.of(9, 1, 5, 9), 1, 2, 100)
  expect(Array.from(best.finish().columns)).toEqual([101, 100])
})

test('−0 and 0 are equal scores, negative ones have their order', () => {
  const best = new TopK(1, 4)
  best.offer(0, Float32Array.of(-0, -1.5, 0, -1e-3, -2, Number.NaN), 0, 6, 0)
  expect(Array.from(best.finish().columns)).toEqual([0, 2, 3, 1])
})
