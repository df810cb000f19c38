import { describe, expect, test } from 'vitest'
import { duration, measured, percent, points } from '../format.ts'
import { padded, separate } from './chart.ts'

describe('separate', () => {
  test.each([
    ['leaves labels that are apart', [10, 40, 80], [0, 0, 0]],
    ['parts two evenly', [50, 50], [-7, 7]],
    ['keeps the order of places, not of the list', [54, 50], [5, -5]],
  ])('%s', (_, positions, shifts) => {
    expect(separate(positions, 14)).toEqual(shifts)
  })

  test('leaves no two of many nearer than the gap', () => {
    const positions = [50, 52, 51, 49, 90, 53]
    const placed = separate(positions, 14)
      .map((shift, index) => positions[index]! + shift)
      .sort((a, b) => a - b)
    for (let i = 1; i < placed.length; i++)
      expect(placed[i]! - placed[i - 1]!).toBeGreaterThanOrEqual(14 - 1e-9)
  })
})

test('an axis over equal values still has a span', () => {
  const [low, high] = padded([0, 0])
  expect(high).toBeGreaterThan(low)
})

test.each([
  [percent(0.1267), '12.7'],
  [points(0.0321), '+3.2'],
  [points(-0.0321), '−3.2'],
  [points(-0.00001), '0.0'],
  [duration(0.2), '0 s'],
  [duration(59), '59 s'],
  [duration(60), '1 min 0 s'],
  [duration(7325), '2 h 2 min'],
  [measured(0.33333), '0.333'],
  [measured(-12.345), '−12.3'],
  [measured(1234.5), '1235'],
])('%s is spelt %s', (spelt, expected) => {
  expect(spelt).toBe(expected)
})
