import { expect, test } from 'vitest'
import { int8Rows } from './int8.ts'
import { f32 } from './tensor.ts'

test('each row has its own scale; the largest magnitude becomes ±127, halves go up, zeros stay', () => {
  const { values, scales } = int8Rows(f32([3, 3], [1, -2, 127, 0, 0, 0, -0.5, 0.25, -0.25]))
  expect([...values.data]).toEqual([1, -2, 127, 0, 0, 0, -127, 64, -63])
  expect(scales.data).toBeAllClose([1, 0, 0.5 / 127])
})

test('an element is off by half a step at most', () => {
  const row = Float32Array.from({ length: 500 }, (_, i) => Math.sin(i) * Math.exp(i / 100))
  const { values, scales } = int8Rows(f32([1, 500], row))
  const step = scales.data[0]!
  for (const [i, value] of row.entries())
    expect(Math.abs(values.data[i]! * step - value)).toBeLessThanOrEqual(step * 0.5001)
})
