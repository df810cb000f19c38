import { expect, test } from 'vitest'
import { firstOf } from './errors.ts'

test.each([
  [[], ''],
  [['a', 'b'], 'a; b'],
  [['a', 'b', 'c', 'd'], 'a; b; and 2 more'],
])('%j as a list of two at most', (items, expected) => {
  expect(firstOf(items, 2)).toBe(expected)
})
