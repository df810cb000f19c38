/** @file Batches of the sampler: composition, epochs, independence of the order of calls. */

import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { type SampledPair, type SamplerOptions, sampler } from './sampler.ts'

const options = (changes: Partial<SamplerOptions> = {}): SamplerOptions => ({
  tasks: [
    { name: 'label', rows: 40 },
    { name: 'caption', rows: 24, weight: 2 },
    { name: 'other', rows: 10 },
    { name: 'loose', rows: 7 },
  ],
  batch: 20,
  subBatch: 4,
  seed: 1,
  ...changes,
})
const steps = (count: number, changes?: Partial<SamplerOptions>): SampledPair[] => {
  const draw = sampler(options(changes))
  return Array.from({ length: count }, (_, step) => draw(step)).flat()
}

test('each sub-batch is of one task', () => {
  const pairs = steps(20)
  for (let i = 0; i < pairs.length; i += 4)
    expect(new Set(pairs.slice(i, i + 4).map(({ task }) => task)).size).toBe(1)
})

test('weights are shares of the sub-batches', () => {
  const pairs = steps(200)
  const share = (name: string) => pairs.filter(({ task }) => task === name).length / pairs.length
  expect(share('caption')).toBeCloseTo(2 / 5, 2)
  expect(share('label')).toBeCloseTo(1 / 5, 1)
  // Systematic sampling: two of five sub-batches in each batch, not on average only.
  const draw = sampler(options())
  for (let step = 0; step < 50; step++)
    expect(draw(step).filter(({ task }) => task === 'caption')).toHaveLength(8)
})

property.prop([fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 2, max: 30 })])(
  'every epoch of a task has each row once',
  (seed, rows) => {
    const drawn = steps(60, {
      seed,
      tasks: [
        { name: 'a', rows },
        { name: 'b', rows: 5 },
      ],
    })
      .filter(({ task }) => task === 'a')
      .map(({ row }) => row)
    for (let epoch = 0; epoch + rows <= drawn.length; epoch += rows)
      expect(new Set(drawn.slice(epoch, epoch + rows)).size).toBe(rows)
  },
)

test('a step depends on seed and index alone', () => {
  const forward = sampler(options())
  const backward = sampler(options())
  const late = backward(31)
  for (let step = 0; step < 31; step++) expect(backward(step)).toEqual(forward(step))
  expect(forward(31)).toEqual(late)
  expect(sampler(options({ seed: 2 }))(31)).not.toEqual(late)
})

test('epochs have different orders', () => {
  const drawn = steps(4, { tasks: [{ name: 'a', rows: 40 }] }).map(({ row }) => row)
  expect(drawn.slice(0, 40)).not.toEqual(drawn.slice(40, 80))
})

describe('refused', () => {
  test.each([
    ['a batch that is no multiple', { batch: 18 }],
    ['no tasks', { tasks: [] }],
    ['an empty task', { tasks: [{ name: 'a', rows: 0 }] }],
    [
      'a negative weight',
      {
        tasks: [
          { name: 'a', rows: 3, weight: -1 },
          { name: 'b', rows: 3 },
        ],
      },
    ],
    [
      'a name twice',
      {
        tasks: [
          { name: 'a', rows: 3 },
          { name: 'a', rows: 3 },
        ],
      },
    ],
  ])('%s', (_, changes) => {
    expect(() => sampler(options(changes))).toThrow(expect.objectContaining({ code: 'tuning/sampler' }))
  })
})
