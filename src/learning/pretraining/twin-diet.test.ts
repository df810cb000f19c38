import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { shippedData } from '../../foundation/files/shipped.ts'
import { loadWorld } from '../../inputs/scenes/world.ts'
import { TWIN_TRAINING } from './recipe.ts'
import { scheduleOf } from './twin.ts'
import { dietOf, kindOf } from './twin-diet.ts'
import { trainingSamples } from './twin-samples.ts'

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
