import { fc, test as propertyTest } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { batches } from './batching.ts'

const positions = (lengths: readonly number[], rows: readonly number[]) =>
  rows.length * Math.max(...rows.map((row) => lengths[row]!))

propertyTest.prop(
  [fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 60 }), fc.integer({ min: 1, max: 200 })],
  {
    seed: 1,
    numRuns: 200,
  },
)('every row is in one batch, longest first, within the budget unless it is alone', (lengths, budget) => {
  const made = batches(lengths, budget)
  expect(made.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, row) => row))
  const order = made.flat().map((row) => lengths[row]!)
  expect(order).toEqual([...order].sort((a, b) => b - a))
  for (const rows of made) if (rows.length > 1) expect(positions(lengths, rows)).toBeLessThanOrEqual(budget)
})

test('a batch ends where short rows follow long ones, if they are many', () => {
  const lengths = [...new Array<number>(20).fill(30), ...new Array<number>(20).fill(10)]
  expect(batches(lengths, 1024).map((rows) => rows.length)).toEqual([20, 20])
  expect(batches([30, 10, 10], 1024)).toEqual([[0, 1, 2]])
})
