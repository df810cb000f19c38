/** @file Splitting sequences by length: nothing lost, nothing split better. */

import { fc, test as property } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { splitByLength } from './split.ts'

const cost = (lengths: number[], split: number[][]) =>
  split.reduce((sum, group) => sum + group.length * Math.max(...group.map((i) => lengths[i]!)), 0)

/** The fewest positions of all ways to cut the sorted lengths. */
function least(sorted: number[], groups: number): number {
  if (groups === 1) return sorted.length * sorted.at(-1)!
  const cuts = Array.from({ length: sorted.length - groups + 1 }, (_, i) => i + groups - 1)
  return Math.min(
    ...cuts.map((cut) => least(sorted.slice(0, cut), groups - 1) + (sorted.length - cut) * sorted.at(-1)!),
  )
}

describe('splitByLength', () => {
  property.prop([
    fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 3, maxLength: 12 }),
    fc.integer({ min: 1, max: 3 }),
  ])('has every sequence once, in as many groups as asked, with the fewest positions', (lengths, groups) => {
    const split = splitByLength(lengths, groups)
    expect(split).toHaveLength(groups)
    expect(split.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i))
    const sorted = [...lengths].sort((a, b) => a - b)
    expect(cost(lengths, split)).toBe(least(sorted, groups))
  })
})
