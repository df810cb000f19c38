import { expect, test } from 'vitest'
import { trapezoid } from './trapezoid.ts'

const factor = trapezoid({ steps: 100, warmup: 10, cooldown: 20 })

test.each([
  [0, 0],
  [5, 0.5],
  [10, 1],
  [80, 1],
  [90, 0.5],
  [99, 0.05],
])('after %i updates: %d', (step, expected) => {
  expect(factor(step)).toBeCloseTo(expected, 12)
})

test('a longer run has the same start', () => {
  const longer = trapezoid({ steps: 1000, warmup: 10, cooldown: 20 })
  for (let step = 0; step <= 80; step++) expect(longer(step)).toBe(factor(step))
})
