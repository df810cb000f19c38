import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openSession } from '../../../engine/runtime/session.ts'
import { memoryWeights } from '../../../engine/runtime/weights.ts'
import { bf16ToF32, f32ToBf16 } from '../../../foundation/numeric/float.ts'
import { f32, tensor } from '../../../foundation/numeric/tensor.ts'
import { initialWeights } from '../../../models/families/initial.ts'
import { modelParameters } from '../../../models/families/parameters.ts'
import { gradientGraph, stepResultOf } from '../../training/gradient.ts'
import { isTower } from '../twin-loss.ts'
import { twinModel } from '../twins/twin.ts'
import { twinAr } from '../twins/twin-ar.ts'
import { unalignedLoss } from './loss.ts'
import { readUnalignedTower, writeUnalignedTower } from './subject.ts'

const root = mkdtempSync(join(tmpdir(), 'bifocal-unaligned-'))
afterAll(() => rmSync(root, { recursive: true }))

const { compiled, parameters: slots } = gradientGraph(unalignedLoss)
const weights = () => initialWeights(slots, { seed: 1, layers: 4, std: 0.05 })

test('a hidden patch is not seen, and its pixels are the target', async () => {
  const session = await openSession(compiled, { weights: memoryWeights({}), thread: 'caller' })
  try {
    const bytes = Uint8Array.from({ length: 96 * 96 * 3 }, (_, i) => (i * 31) % 256)
    const hidden = Array.from({ length: 16 }, (_, i) => (i < 8 ? 1 : 0))
    const lossOf = async (pixels: Uint8Array, parameters = weights()) =>
      stepResultOf(
        await session.run({
          ...parameters,
          pixels: tensor('u8', [1, 96, 96, 3], pixels),
          hidden: f32([1, 16], hidden),
        }),
      )
    const own = await lossOf(bytes)
    const changed = Uint8Array.from(bytes)
    changed[0] = 255 - changed[0]!
    const other = await lossOf(changed)
    // The first pixel is in a hidden patch: what is told of seen ones cannot change with it.
    expect(other.metrics.told).toBe(own.metrics.told)
    expect(other.metrics.filled).not.toBe(own.metrics.filled)
    const name = 'vision_model.encoder.layers.1.mlp.fc1.weight'
    const step = 0.02
    const moved = async (by: number) => {
      const parameters = weights()
      parameters[name]!.data[11]! += by
      return (await lossOf(bytes, parameters)).loss
    }
    expect(own.gradients[name]!.data[11]).toBeCloseTo(
      ((await moved(step)) - (await moved(-step))) / (2 * step),
      3,
    )
  } finally {
    await session.close()
  }
})

test('its folder has all that a twin takes from a tower', async () => {
  const trained = Object.fromEntries(
    Object.entries(weights()).filter(([name]) => name.startsWith('vision_model.')),
  )
  await writeUnalignedTower(root, trained)
  const read = await readUnalignedTower(root)
  const wanted = [...modelParameters(twinModel(twinAr)).map(({ name }) => name), ...twinAr.unread]
    .filter(isTower)
    .map((name) => name.slice(name.indexOf('vision_model.')))
  expect(Object.keys(read)).toEqual(expect.arrayContaining(wanted))
  const name = 'vision_model.embeddings.patch_embedding.weight'
  expect(read[name]!.data).toEqual(bf16ToF32(f32ToBf16(trained[name]!.data)))
})
