import { expect, test } from 'vitest'
import { comparedWords, seedWords } from './finding.ts'

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

test('of two models the better one is named first, or neither', () => {
  const [a, b] = [{ label: 'A' }, { label: 'B' }]
  expect(comparedWords([a, b], around(0.053), '')).toBe(
    'the A embeds better than the B by 5.3 points of hit@1',
  )
  expect(comparedWords([a, b], around(-0.053), ', as they are,')).toBe(
    'the B embeds better than the A, as they are, by 5.3 points of hit@1',
  )
  expect(comparedWords([a, b], around(-0.01), '')).toBe(
    'the A and the B cannot be told apart: −1.0 points of hit@1',
  )
})
