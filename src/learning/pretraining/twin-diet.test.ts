import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { wordTokenizer } from '../../../test/word-tokenizer.ts'
import { shippedData } from '../../foundation/files/shipped.ts'
import { loadSheets } from '../../inputs/scenes/sheets.ts'
import { loadWorld } from '../../inputs/scenes/world.ts'
import { CODES } from './image-tokenizer/shape.ts'
import { TWIN_TRAINING } from './recipe.ts'
import type { TowerWorld } from './tower-batch.ts'
import { scheduleOf } from './twin.ts'
import { twinBatch } from './twin-batch.ts'
import { dietOf, kindOf } from './twin-diet.ts'
import { trainingSamples } from './twin-samples.ts'
import { seesCodes, type Twin, updatesOf } from './twins/twin.ts'
import { twinAr } from './twins/twin-ar.ts'
import { twinArDiscrete } from './twins/twin-ar-discrete.ts'
import { twinDiffusion } from './twins/twin-diffusion.ts'
import { twinDiffusionHalf } from './twins/twin-diffusion-half.ts'
import { twinDiscrete } from './twins/twin-discrete.ts'

const FULL = TWIN_TRAINING.steps

test('the samples of the recipe are those that the twins were trained with', async () => {
  const world = await loadWorld(shippedData(), 'small')
  const hash = createHash('sha256')
  // Beyond the last update, twins that go on from others.
  for (let step = 0; step < 6000; step += 24) {
    const { samples } = trainingSamples({ world }, { ...TWIN_TRAINING, batch: 4 }, step)
    hash.update(JSON.stringify(samples.map(({ kind, prompt, answer }) => [kind, prompt, answer])))
  }
  // Of the code that had constants in place of `dietOf`.
  expect(hash.digest('hex')).toBe('d4f615831bb03b35b8fea07224aa6a9e276fb1dc666dad06d24023e089c64cd4')
})

test.each([
  { updates: FULL, reading: 250, phases: [250, 2000, 3000], schedule: { WARMUP: 200, COOLDOWN: 1000 } },
  { updates: FULL / 2, reading: 125, phases: [125, 1000, 1500], schedule: { WARMUP: 100, COOLDOWN: 500 } },
])('of $updates updates, phases and schedule', ({ updates, reading, phases, schedule }) => {
  const diet = dietOf(updates)
  expect(diet.reading).toBe(reading)
  expect(diet.phases.map(({ from }) => from)).toEqual(phases)
  expect(scheduleOf(updates)).toEqual(schedule)
})

test('half as many updates see the kinds in the same shares', () => {
  const shares = (updates: number) => {
    const kinds = Array.from({ length: updates }, (_, step) => kindOf(dietOf(updates), 3, step))
    return new Map(
      [...new Set(kinds)].map((kind) => [kind, kinds.filter((own) => own === kind).length / updates]),
    )
  }
  const [whole, half] = [shares(FULL), shares(FULL / 2)]
  expect([...half.keys()].sort()).toEqual([...whole.keys()].sort())
  for (const [kind, share] of whole) expect(Math.abs(half.get(kind)! - share)).toBeLessThan(0.03)
})

describe('positions that decoders run over', () => {
  let at: TowerWorld
  beforeAll(async () => {
    const world = await loadWorld(shippedData(), 'small')
    at = { world, sheets: await loadSheets(shippedData(), world.training), tokenizer: wordTokenizer() }
  }, 60_000)
  /** Over updates of all phases, on the same samples. */
  const positions = ({ objective, pictures }: Twin, { every, batch }: { every: number; batch: number }) => {
    let sum = 0
    for (let step = 12; step < FULL; step += every) {
      const drawn = trainingSamples(at, { ...TWIN_TRAINING, batch }, step)
      const codes = drawn.pictures.map((picture) =>
        picture === null ? null : new Array<number>(CODES).fill(0),
      )
      const seen = seesCodes({ pictures }) ? { ...drawn, codes } : drawn
      sum += twinBatch(at, seen, { objective, seed: 1, step, learning: true }).input_ids.data.length
    }
    return sum
  }

  test('with features, an update of masked diffusion has twice as many: half of the updates, as many', () => {
    const [ar, diffusion] = [twinAr, twinDiffusion].map((twin) => positions(twin, { every: 250, batch: 6 }))
    const perUpdate = diffusion! / ar!
    expect(perUpdate).toBeGreaterThanOrEqual(2)
    const inAll = (perUpdate * updatesOf(twinDiffusionHalf)) / updatesOf(twinAr)
    expect(inAll).toBeLessThan(1.1)
    expect(inAll).toBeGreaterThanOrEqual(1)
  })

  test('with codes, an update has about as many under both objectives: answers are masked once', () => {
    const [ar, diffusion] = [twinArDiscrete, twinDiscrete].map((twin) =>
      positions(twin, { every: 100, batch: 64 }),
    )
    expect(diffusion! / ar!).toBeGreaterThanOrEqual(1)
    expect(diffusion! / ar!).toBeLessThan(1.05)
  }, 300_000)
})
