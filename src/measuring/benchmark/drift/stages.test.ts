import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { writeSafetensors } from '../../../models/checkpoint/safetensors.ts'
import { driftOf } from './open.ts'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-stages-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const STAGES = ['input_ids', 'vision', 'inputs', 'layer.00', 'layer.09', 'layer.10', 'norm']

/** Golden vectors of two items with sketches of their stages; those of item 1 change at `from`. */
async function recording(name: string, from: string | undefined, vectors = [1, 0, 0, 1]): Promise<string> {
  const path = join(root, `${name}.safetensors`)
  const changed = (stage: string) => from !== undefined && STAGES.indexOf(stage) >= STAGES.indexOf(from)
  const stages = [0, 1].flatMap((item) =>
    STAGES.map((stage): [string, Tensor] => [
      `item.${item}/${stage}`,
      f32([3], [2, 5, item === 1 && changed(stage) ? 6 : 7]),
    ]),
  )
  await writeSafetensors(path, { vectors: f32([2, 2], vectors), ...Object.fromEntries(stages) })
  return path
}

test('two recordings of golden vectors: the first stage that differs, in the order of the computation', async () => {
  const whole = await recording('whole', undefined)
  for (const stage of STAGES) {
    const { stages } = await driftOf(whole, await recording(stage, stage, [1, 0, 0.6, 0.8]))
    expect(stages?.failure).toMatchObject({ case: 'item 1', stage })
    expect(stages?.expected).toBe(1 + 2 * STAGES.length)
  }
  expect((await driftOf(whole, whole)).stages?.failure).toBeUndefined()
})

test('vectors that were not recorded have no stages', async () => {
  const path = join(root, 'plain.safetensors')
  await writeSafetensors(path, { vectors: f32([2, 2], [1, 0, 0, 1]) })
  expect((await driftOf(path, await recording('other', undefined))).stages).toBeUndefined()
})
