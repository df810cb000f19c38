import { expect, test } from 'vitest'
import { blockOf, joined, rangeOf } from './rows.ts'
import { f32 } from './tensor.ts'

const three = f32([3, 2], [1, 2, 3, 4, 5, 6])

test('a block loses the first axis, a range keeps it', () => {
  expect(blockOf(three, 1)).toEqual(f32([2], [3, 4]))
  expect(rangeOf(three, 1, 2)).toEqual(f32([2, 2], [3, 4, 5, 6]))
})

test('ranges joined again give the whole; nothing joins to nothing', () => {
  expect(joined([rangeOf(three, 0, 1), rangeOf(three, 1, 2)])).toEqual(three)
  expect(joined([])).toBeUndefined()
})
