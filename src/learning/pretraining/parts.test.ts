import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSession, type Session } from '../../engine/runtime/session.ts'
import { memoryWeights } from '../../engine/runtime/weights.ts'
import { shippedData } from '../../foundation/files/shipped.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { SampleKind } from '../../inputs/scenes/sample.ts'
import { loadSheets } from '../../inputs/scenes/sheets.ts'
import { loadWorld } from '../../inputs/scenes/world.ts'
import { createTokenizer } from '../../inputs/text/tokenizer.ts'
import { initialWeights } from '../../models/families/initial.ts'
import { modelParameters } from '../../models/families/parameters.ts'
import { gradientGraph, sessionStep } from '../training/gradient.ts'
import { partsOf } from './parts.ts'
import { IMAGE_TOKENS } from './recipe.ts'
import type { TowerWorld } from './tower-batch.ts'
import { type TwinFeeds, twinBatch } from './twin-batch.ts'
import { isTower, twinLoss } from './twin-loss.ts'
import { samplesOf } from './twin-samples.ts'
import { twinModel } from './twins/twin.ts'
import { twinDiffusion } from './twins/twin-diffusion.ts'
import { trainVocabulary } from './vocabulary.ts'

const twin = twinDiffusion
const all = initialWeights(modelParameters(twinModel(twin)), { seed: 3, layers: 4, std: 0.04 })
const of = (kept: (name: string) => boolean) =>
  Object.fromEntries(Object.entries(all).filter(([name]) => kept(name)))

let at: TowerWorld
let session: Session
let parameters: Record<string, Tensor<'f32'>>

beforeAll(async () => {
  const world = await loadWorld(shippedData(), 'small')
  at = {
    world,
    sheets: await loadSheets(shippedData(), world.training),
    tokenizer: createTokenizer(trainVocabulary(world, 1, 2000)),
  }
  const { compiled, parameters: slots } = gradientGraph((graph) => twinLoss(graph, twin))
  const trained = new Set(slots.map(({ name }) => name))
  parameters = of((name) => trained.has(name))
  session = await openSession(compiled, { weights: memoryWeights(of(isTower)), thread: 'caller', threads: 1 })
}, 120_000)
afterAll(() => session.close())

function batchOf(kind: SampleKind, count: number): TwinFeeds {
  const drawn = samplesOf(at.world, { kind, seed: 4, from: 0, count, use: 'train' })
  return twinBatch(at, drawn, { objective: twin.objective, seed: 4, step: 1, learning: true })
}
const gradientOf = (feeds: TwinFeeds | TwinFeeds[]) =>
  sessionStep({ session, parameters, feeds: () => feeds })({ step: 0 })

test.each(['qa', 'text'] as const)('parts of %s add up to the batch', async (kind) => {
  const batch = batchOf(kind, 8)
  const parts = partsOf(batch, 150)
  expect(parts.length).toBeGreaterThan(2)
  const [whole, sum] = [await gradientOf(batch), await gradientOf(parts)]
  expect(sum.loss).toBeCloseTo(whole.loss, 5)
  expect(Object.keys(sum.gradients)).toEqual(Object.keys(whole.gradients))
  for (const [name, { data }] of Object.entries(whole.gradients)) {
    const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    const own = sum.gradients[name]!.data
    const apart = data.reduce((most, value, i) => Math.max(most, Math.abs(value - own[i]!)), 0)
    expect(apart, name).toBeLessThanOrEqual(1e-5 * largest)
  }
})

test('parts keep to their positions, without padding beyond their longest row, without rows for nothing', () => {
  const batch = batchOf('caption', 16)
  const parts = partsOf(batch, 150)
  for (const { input_ids: ids, attention_mask: mask, image_index: index, pixels } of parts) {
    const [rows = 0, length = 0] = ids.dims
    expect(rows * length <= 150 || rows === 1).toBe(true)
    const lengths = Array.from({ length: rows }, (_, row) =>
      mask.data.subarray(row * length, (row + 1) * length).reduce((sum, seen) => sum + Number(seen), 0),
    )
    expect(Math.max(...lengths)).toBe(length)
    const shown = new Set(Array.from(index!.data, (value) => Math.floor(Number(value) / IMAGE_TOKENS)))
    shown.delete(-1)
    expect([...shown].sort((a, b) => a - b)).toEqual(Array.from({ length: pixels!.dims[0]! }, (_, i) => i))
  }
  const scored = (feeds: readonly TwinFeeds[]) =>
    feeds.flatMap(({ scored_targets: targets }) => Array.from(targets.data, Number)).sort((a, b) => a - b)
  expect(scored(parts)).toEqual(scored([batch]))
  // Copies of which nothing is masked have no row.
  const rows = parts.reduce((sum, { input_ids: ids }) => sum + ids.dims[0]!, 0)
  const seq = batch.input_ids.dims[1]!
  const used = new Set(
    Array.from(batch.scored_positions.data, (position) => Math.floor(Number(position) / seq)),
  )
  expect(rows).toBe(used.size)
})
