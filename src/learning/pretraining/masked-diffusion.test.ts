import { describe, expect, test } from 'vitest'
import { stream } from '../../foundation/numeric/random.ts'
import { drawNoise, IGNORED, noise } from './masked-diffusion.ts'

const row = { inputIds: [5, 6, 7, 8, 9], labels: [IGNORED, IGNORED, 7, 8, 9] }
const half = { t: [0.5], u: [[0.9, 0.9, 0.1, 0.8, 0.3]] }

describe('noising', () => {
  test('copies are complementary and score each target once', () => {
    const batch = noise([row], half, { maskId: 0 })
    expect(batch.inputIds).toEqual([
      [5, 6, 0, 8, 0],
      [5, 6, 7, 0, 9],
    ])
    expect(batch.masked).toEqual([[[2, 4]], [[3]]])
    expect(batch.targets).toEqual([7, 9, 8])
    expect(batch.positions).toEqual([2, 4, 8])
    expect(batch.weights).toBeAllClose([1 / 3, 1 / 3, 1 / 3])
  })

  test('Dream reads the state before the masked token', () => {
    expect(noise([row], half, { maskId: 0, shifted: true }).positions).toEqual([1, 3, 7])
  })

  test('shifted, the first token of a row is never a target', () => {
    const whole = { inputIds: [7, 8], labels: [7, 8] }
    expect(noise([whole], { t: [1], u: [[0, 0]] }, { maskId: 0, shifted: true })).toMatchObject({
      positions: [0],
      targets: [8],
    })
  })

  test('at least one position of the row is masked, but it may lie in the prompt', () => {
    const none = noise([row], { t: [0], u: [[0.5, 0.9, 0.8, 0.8, 0.8]] }, { maskId: 0 })
    expect(none.masked).toEqual([[[]], [[2, 3, 4]]])
    const answer = noise([row], { t: [0], u: [[0.5, 0.9, 0.4, 0.8, 0.8]] }, { maskId: 0 })
    expect(answer.masked).toEqual([[[2]], [[3, 4]]])
  })

  test('fill markers are neither masked nor scored', () => {
    const filled = { inputIds: [5, 3, 7], labels: [IGNORED, 3, 7] }
    expect(noise([filled], { t: [1], u: [[0, 0, 0]] }, { maskId: 0, fillId: 3 })).toMatchObject({
      masked: [[[2]], [[]]],
      targets: [7],
    })
  })

  test('inverse-p: a mean over targets and rows, each copy by its own chance', () => {
    const { weights, p } = noise(
      [row, row],
      { t: [0.5, 0.5], u: [half.u[0]!, half.u[0]!] },
      { maskId: 0, weighting: 'inverse-p' },
    )
    const [masked, kept] = [1 / (p[0]! * 3 * 2 * 2), 1 / ((1 - p[0]!) * 3 * 2 * 2)]
    expect(weights).toBeAllClose([masked, masked, masked, masked, kept, kept])
  })

  test('inverse-p estimates the number of targets without bias', () => {
    const random = stream(3, 'noise')
    let sum = 0
    for (let i = 0; i < 4000; i++) {
      const draws = { t: [0.4], u: drawNoise(1, 5, random).u }
      sum += noise([row], draws, { maskId: 0, weighting: 'inverse-p' }).weights.reduce((a, b) => a + b, 0)
    }
    // The minimum clause masks a little more than p asks for: (1 − p)⁵ of the rows have one mask
    // instead of none.
    expect(sum / 4000).toBeGreaterThan(0.95)
    expect(sum / 4000).toBeLessThan(1.1)
  })

  describe('LLaDA-V and MMaDA: one copy, each position by its own draw, weights 1/p', () => {
    const options = { maskId: 0, complementary: false, weighting: 'inverse-p', masking: 'below' } as const

    test('a row may stay clean, and still counts in the mean', () => {
      const draws = { t: [0.5, 0], u: [half.u[0]!, [0.5, 0.9, 0.8, 0.8, 0.8]] }
      const { masked, inputIds, weights, p } = noise([row, row], draws, options)
      expect(masked).toEqual([[[2, 4], []]])
      expect(inputIds[1]).toEqual(row.inputIds)
      expect(weights).toBeAllClose([1 / (p[0]! * 3 * 2), 1 / (p[0]! * 3 * 2)])
    })

    test('a draw equal to the chance masks nothing', () => {
      const [p = 0] = noise([row], half, options).p
      expect(noise([row], { t: [0.5], u: [[0, 0, p, 0.1, 0.9]] }, options).masked).toEqual([[[3]]])
    })
  })

  test('refuses a batch without a target, and rows of unequal length', () => {
    expect(() => noise([{ inputIds: [1], labels: [IGNORED] }], { t: [1], u: [[0]] }, { maskId: 0 })).toThrow(
      /masked target/,
    )
    expect(() => noise([row, { inputIds: [1], labels: [IGNORED] }], half, { maskId: 0 })).toThrow(/length/)
  })
})
