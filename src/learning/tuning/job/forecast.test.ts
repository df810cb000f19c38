/** @file Time and memory of a tuning, foretold. */

import { beforeAll, describe, expect, test } from 'vitest'
import { shipped } from '../../../foundation/files/shipped.ts'
import { keyed } from '../../../inputs/data/item.ts'
import { sequencePreparer } from '../../../models/embedder/sequence.ts'
import { openSubject } from '../../../models/embedder/subject.ts'
import { trainSettings } from '../trained/settings.ts'
import { openTrained } from '../trained/trained.ts'
import { tunableModel } from '../tunable.ts'
import { chunkShapes, type ForecastOptions, forecastTuning } from './forecast.ts'
import type { TuningForecast } from './plan.ts'

describe('chunkShapes', () => {
  test('a batch that fits is one graph of groups of similar length', () => {
    const { whole, shapes } = chunkShapes([3, 9, 3, 9, 5], 100)
    expect(whole).toBe(true)
    expect(shapes).toEqual([
      { rows: 2, positions: 3 },
      { rows: 1, positions: 5 },
      { rows: 2, positions: 9 },
    ])
  })

  test('one that does not fit runs by chunks within the budget, the longest first', () => {
    const { whole, shapes } = chunkShapes([10, 4, 4, 4, 4, 4], 20)
    expect(whole).toBe(false)
    expect(shapes).toEqual([
      { rows: 2, positions: 10 },
      { rows: 4, positions: 4 },
    ])
  })

  test('an item that is longer than a chunk runs alone', () => {
    expect(chunkShapes([50, 4], 20).shapes).toEqual([
      { rows: 1, positions: 50 },
      { rows: 1, positions: 4 },
    ])
  })
})

describe('the forecast', () => {
  let usual: ForecastOptions
  let plain: TuningForecast
  const changed = async (more: Partial<ForecastOptions>) => await forecastTuning({ ...usual, ...more })

  beforeAll(async () => {
    const { encoder, ...subject } = await openSubject(shipped('twin-ar'), { dtype: 'f32' })
    const tunable = tunableModel({ ...subject, encoder })
    const trained = await openTrained(tunable, trainSettings.parse({}), 1)
    const readouts = [encoder.contract.readout]
    const prepare = await sequencePreparer(tunable.model, { ...encoder, readouts })
    const words = 'two people walking a dog along the beach at sunset, and some more'
    const item = prepare({ ...keyed({ text: words }), pictures: [], pictureKey: undefined })
    usual = {
      model: tunable.model,
      encoder,
      weights: trained.training(),
      readouts,
      tower: false,
      trained: trained.modules.reduce((sum, { size }) => sum + size, 0),
      batches: [Array.from({ length: 64 }, () => item)],
      chunkTokens: 1e6,
      recompute: false,
      accumulate: 1,
      updates: 100,
      pictures: 0,
      evaluated: 0,
      machine: { operations: 1e10, elements: 1e9 },
    }
    plain = await forecastTuning(usual)
  })

  test('of chunks: less memory, more time', async () => {
    const chunks = await changed({ chunkTokens: 200 })
    expect(plain.bytes - chunks.bytes).toBeGreaterThan(1e8)
    expect(chunks.secondsPerUpdate).toBeGreaterThan(1.2 * plain.secondsPerUpdate)
  })

  test('of layers that are computed anew: less memory, more time', async () => {
    const anew = await changed({ recompute: true })
    expect(plain.bytes - anew.bytes).toBeGreaterThan(5e7)
    expect(anew.secondsPerUpdate).toBeGreaterThan(plain.secondsPerUpdate)
  })

  test('of 16-bit weights that stay so: half of the weights', async () => {
    const low = await changed({ memory: 'low' })
    expect(plain.bytes - low.bytes).toBeGreaterThan(4.3e6 * 1.9)
  })

  test('of twice the updates, or batches: twice the time', async () => {
    expect((await changed({ updates: 200 })).seconds).toBeCloseTo(2 * plain.seconds, 6)
    expect((await changed({ accumulate: 2 })).seconds).toBeCloseTo(2 * plain.seconds, 6)
  })

  test('of evaluations: their forward passes', async () => {
    const { seconds } = await changed({ evaluated: 6400 })
    expect(seconds).toBeGreaterThan(1.1 * plain.seconds)
    expect(seconds).toBeLessThan(2 * plain.seconds)
  })
})
