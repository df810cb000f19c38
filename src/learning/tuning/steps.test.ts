/**
 * @file Loss and gradients of a tuning's steps. Neither chunks nor micro-batches nor layers that
 * are computed anew change them.
 */

import { beforeAll, describe, expect, test } from 'vitest'
import { sources, tinyTunings } from '../../../test/tiny-tuning.ts'
import { optimizerSettings } from '../training/settings.ts'
import { fixedPlan } from './batches.ts'
import type { TuningUpdate } from './run.ts'
import type { TrainSettings } from './trained/settings.ts'

const run = tinyTunings()

/** The gradients of a first update, each with its own largest magnitude as the measure. */
function expectEqualGradients(found: TuningUpdate, expected: TuningUpdate) {
  expect(found.loss).toBeCloseTo(expected.loss, 4)
  for (const [name, { data }] of Object.entries(expected.gradients)) {
    const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    expect(largest, name).toBeGreaterThan(0)
    expect(found.gradients[name]!.data, name).toBeAllClose(data, { atol: 1e-4 * largest })
  }
}

describe.each<[string, Partial<TrainSettings>]>([
  ['low-rank updates', {}],
  ['dropout', { dropout: 0.3 }],
  ['a trained tower', { targets: 'decoder+projector+tower' }],
  ['a trained tower and dropout', { targets: 'decoder+projector+tower', dropout: 0.3 }],
  ['DoRA', { dora: true }],
  ['all weights', { method: 'all' }],
])('%s', (what, train) => {
  let whole: TuningUpdate
  beforeAll(async () => {
    whole = (await run(`whole ${what}`, { updates: 1 }, train)).updates[0]!
  })

  test.each([40, 150])(
    'chunks of %i positions give the gradients of the whole batch',
    async (chunkTokens) => {
      const chunked = await run(`chunked ${what} ${chunkTokens}`, { updates: 1, chunkTokens }, train)
      expectEqualGradients(chunked.updates[0]!, whole)
    },
  )
})

test('with attention by blocks too, chunks give the gradients of the whole batch', async () => {
  const blocks = { attention: 'block', blockSize: 6 } as const
  const causal = await run('causal', { updates: 1 })
  const whole = await run('blocks', { updates: 1 }, {}, blocks)
  const chunked = await run('blocks in chunks', { updates: 1, chunkTokens: 40 }, {}, blocks)
  expectEqualGradients(chunked.updates[0]!, whole.updates[0]!)
  expect(whole.updates[0]!.loss).not.toBeCloseTo(causal.updates[0]!.loss, 4)
})

test('dropout changes a step, and no evaluation', async () => {
  const dev = { sources: [sources[0]!], every: 1, keep: 'last' } as const
  // A rate so low that nothing moves.
  const still = { updates: 1, dev, optimizer: optimizerSettings.parse({ learningRate: 1e-30 }) }
  const [plain, dropped] = [await run('no dropout', still), await run('dropout', still, { dropout: 0.4 })]
  expect(dropped.updates[0]!.loss).not.toBeCloseTo(plain.updates[0]!.loss, 3)
  expect(dropped.outcome.evaluations).toEqual(plain.outcome.evaluations)
})

test.each([
  ['one graph', {}],
  ['chunks', { chunkTokens: 60 }],
])('layers that are computed anew give the same gradients, in %s', async (name, options) => {
  const kept = await run(`kept, ${name}`, { updates: 1, ...options })
  const anew = await run(`anew, ${name}`, { updates: 1, recompute: true, ...options })
  expectEqualGradients(anew.updates[0]!, kept.updates[0]!)
})

test('frozen weights in 16 bits change a gradient a little', async () => {
  const [exact, half] = [await run('f32', { updates: 1 }), await run('f16', { updates: 1, precision: 'f16' })]
  const flat = ({ updates }: typeof exact) =>
    Object.values(updates[0]!.gradients).flatMap(({ data }) => Array.from(data))
  const [a, b] = [flat(exact), flat(half)]
  const dot = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0)
  expect(a).not.toEqual(b)
  expect(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))).toBeGreaterThan(0.999)
})

test('an update is the mean of its micro-batches, each with its own negatives', async () => {
  const refs = (rows: number[]) => rows.map((row) => ({ source: 'name it', row }))
  const batches = [refs([0, 1, 2, 3]), refs([4, 5, 6])]
  const [first, second] = await Promise.all(
    batches.map(async (batch, i) => run(`micro ${i}`, { updates: 1, plan: fixedPlan([[batch]]) })),
  )
  const both = await run('both', { updates: 1, plan: fixedPlan([batches]) })
  const [update] = both.updates
  expect(update!.microLosses).toEqual([first!.updates[0]!.loss, second!.updates[0]!.loss])
  expect(update!.loss).toBeCloseTo((update!.microLosses[0]! + update!.microLosses[1]!) / 2, 6)
  for (const [name, { data }] of Object.entries(update!.gradients)) {
    const other = second!.updates[0]!.gradients[name]!.data
    const mean = first!.updates[0]!.gradients[name]!.data.map((value, i) => (value + other[i]!) / 2)
    expect(data, name).toBeAllClose(mean, { atol: 1e-7 })
  }
})
