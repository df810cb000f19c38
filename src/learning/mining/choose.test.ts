import { describe, expect, test } from 'vitest'
import { stream } from '../../foundation/numeric/random.ts'
import { chosenNegatives } from './choose.ts'
import { filledRules, type MiningRules } from './options.ts'

/** Ten wrong targets, 0 the nearest: similarities .9, .8, … 0. */
const nearest = Array.from({ length: 10 }, (_, target) => ({ target, score: (9 - target) / 10 }))
const chosen = (rules: MiningRules, { own = 1, left = [] as number[], seed = 1 } = {}) =>
  chosenNegatives(nearest, own, filledRules({ relativeMargin: null, ...rules }), {
    left: new Set(left),
    random: () => stream(seed),
  }).map(({ target }) => target)

describe('the window', () => {
  test.each([
    ['the nearest three by default', {}, [0, 1, 2]],
    ['from a rank, counted from 1', { from: 3 }, [2, 3, 4]],
    ['to a rank', { from: 3, to: 5, negatives: 3 }, [2, 3, 4]],
    ['behind the last one there is nothing', { from: 9, to: 50 }, [8, 9]],
  ])('%s', (_, rules, expected) => expect(chosen(rules)).toEqual(expected))
})

describe('limits', () => {
  test.each([
    ['margin: at least so far below the own target', { margin: 0.45 }, 1, [4, 5, 6]],
    ['relative margin: a share of the own similarity', { relativeMargin: 0.5 }, 0.8, [5, 6, 7]],
    ['both: the stricter one', { margin: 0.1, relativeMargin: 0.5 }, 0.8, [5, 6, 7]],
    ['largest similarity', { maxScore: 0.35 }, 1, [6, 7, 8]],
    ['a margin of 0: no nearer than the own target', { margin: 0 }, 0.65, [3, 4, 5]],
    ['least similarity', { minScore: 0.75, negatives: 5 }, 1, [0, 1]],
    ['an own target unlike its query lowers the limit further', { relativeMargin: 0.5 }, -0.2, []],
  ])('%s', (_, rules, own, expected) => expect(chosen(rules, { own })).toEqual(expected))

  test('act within the window: ranks count before anything is removed', () => {
    expect(chosen({ from: 2, to: 6, margin: 0.45, negatives: 2 })).toEqual([4, 5])
  })

  test('without any margin given, a negative is below 95 % of the own similarity', () => {
    const rules = filledRules({})
    expect(rules).toMatchObject({ negatives: 3, from: 1, to: 30, margin: -Infinity, relativeMargin: 0.05 })
    const left = { left: new Set<number>(), random: () => stream(1) }
    expect(chosenNegatives(nearest, 0.84, rules, left).map(({ target }) => target)).toEqual([2, 3, 4])
    expect(filledRules({ margin: 0.2 }).relativeMargin).toBe(-Infinity)
  })
})

test('negatives that the pair has already are skipped', () => {
  expect(chosen({ to: 10 }, { left: [0, 2] })).toEqual([1, 3, 4])
})

test('a draw: as many, from the window, the nearest first, another seed another draw', () => {
  const rules = { sample: 'random', from: 2, to: 9, negatives: 4 } as const
  const draws = Array.from({ length: 20 }, (_, seed) => chosen(rules, { seed }))
  for (const draw of draws) {
    expect(draw.length).toBe(4)
    expect(draw).toEqual(draw.toSorted((a, b) => a - b))
    expect(draw.every((target) => target >= 1 && target <= 8)).toBe(true)
  }
  expect(new Set(draws.map(String)).size).toBeGreaterThan(5)
  expect(chosen(rules, { seed: 3 })).toEqual(draws[3])
})

test.each([{ from: 5, to: 6 }, { to: 2 }, { from: 5, to: 4, negatives: 1 }])(
  '%j: too narrow a window',
  (rules) => {
    expect(() => filledRules(rules)).toThrow(expect.objectContaining({ code: 'mining/window' }))
  },
)
