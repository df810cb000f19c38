import { expect, test } from 'vitest'
import { normalQuantile, studentQuantile } from './quantiles.ts'

// Values of scipy.stats: norm.ppf, t.ppf.
test.each([
  [1e-9, -5.9978070150076865],
  [0.001, -3.090232306167813],
  [0.2, -0.8416212335729142],
  [0.5, 0],
  [0.975, 1.959963984540054],
  [0.999999, 4.753424308817087],
])('normal, %d', (p, expected) => expect(normalQuantile(p)).toBeCloseTo(expected, 6))

test.each([
  [0.9, 1, 3.0776835371752544],
  [0.9, 3, 1.637744353696209],
  [0.975, 1, 12.706204736174694],
  [0.975, 2, 4.302652729749462],
  [0.975, 4.2, 2.7250727225923743],
  [0.975, 7, 2.364624251592784],
  [0.975, 29, 2.045229642132703],
  [0.995, 300, 2.5923164108477925],
  [0.005, 29, -2.756385903670605],
])('Student, %d, %d degrees of freedom', (p, freedom, expected) => {
  expect(studentQuantile(p, freedom)).toBeCloseTo(expected, 3)
})

test('Student, between 1 and 2 degrees of freedom: a formula for whole numbers, within 2 %', () => {
  expect(Math.abs(studentQuantile(0.975, 1.5) / 6.016663104427929 - 1)).toBeLessThan(0.02)
})
