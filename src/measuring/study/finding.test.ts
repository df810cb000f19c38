import { expect, test } from 'vitest'
import { seedWords } from './finding.ts'

const around = (value: number) => ({ value, low: value - 0.02, high: value + 0.02 })
const run = (seed: number, value: number) => ({ seed, interval: around(value) })

test('without other seeds nothing is said', () => {
  expect(seedWords(around(0.03), [])).toEqual([])
})

test('a sign that changes with the seed cannot be told', () => {
  const [words] = seedWords(around(0.03), [run(8, 0.045), run(9, -0.034)])
  expect(words).toMatch(/\+4\.5 \(seed 8; .*−3\.4 \(seed 9; /)
  expect(words).toMatch(/cannot be told/)
})

test('nor can a difference that one seed leaves open', () => {
  expect(seedWords(around(0.03), [run(8, 0.01)])[0]).toMatch(/cannot be told/)
})

test.each([1, -1])('the same sign with every seed is said (%d)', (sign) => {
  expect(seedWords(around(0.03 * sign), [run(8, 0.05 * sign)])[0]).toMatch(/same sign with every seed/)
})
