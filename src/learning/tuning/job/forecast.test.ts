/** @file Time and memory of a tuning, foretold. */

import { describe, expect, test } from 'vitest'
import { chunkShapes } from './forecast.ts'

describe('chunkShapes', () => {
  test('a batch that fits is one graph of groups of similar length', () => {
    const { whole, shapes } = chunkShapes([3, 9, 3, 9, 5], 100)
    expect(whole).toBe(true)
    expect(shapes).toEqual([
      { rows: 2, positions: 3 },
      { rows: 1, positions: 5 },
      { rows: 2, positions: 9 },
    ])
  })

  test('one that does not fit runs by chunks within the budget, the longest first', () => {
    const { whole, shapes } = chunkShapes([10, 4, 4, 4, 4, 4], 20)
    expect(whole).toBe(false)
    expect(shapes).toEqual([
      { rows: 2, positions: 10 },
      { rows: 4, positions: 4 },
    ])
  })

  test('an item that is longer than a chunk runs alone', () => {
    expect(chunkShapes([50, 4], 20).shapes).toEqual([
      { rows: 1, positions: 50 },
      { rows: 1, positions: 4 },
    ])
  })
})
