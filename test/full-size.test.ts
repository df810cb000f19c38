/**
 * @file The full-size script, small: holes take no disk, weights past 4 GiB are mapped, and each
 * layout's vector is the one worked out by hand.
 */

import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeCheckpoint } from '../scripts/full-size/checkpoint.ts'
import { diffusionVlLayout } from '../scripts/full-size/diffusionvl.ts'
import { dimpleLayout, dreamVlLayout } from '../scripts/full-size/dream.ts'
import { lavidaLayout } from '../scripts/full-size/lavida.ts'
import type { Layout, PlantedWeights, Size } from '../scripts/full-size/layout.ts'
import { mmadaLayout } from '../scripts/full-size/mmada.ts'
import { omniDiffusionLayout } from '../scripts/full-size/omni-diffusion.ts'
import { qwen2VlLayout } from '../scripts/full-size/qwen2-vl.ts'
import { sdarVlLayout } from '../scripts/full-size/sdar-vl.ts'
import { writeSparse, writeSparseShards } from '../scripts/full-size/sparse.ts'
import { compare, measure, TOLERANCE } from '../scripts/full-size/trial.ts'
import { TEXTS, tuneSteps } from '../scripts/full-size/tuning.ts'
import { compile } from '../src/engine/graph/compile.ts'
import { add } from '../src/engine/graph/elementwise.ts'
import { Graph } from '../src/engine/graph/graph.ts'
import { rootScope } from '../src/engine/nn/scope.ts'
import { openSession } from '../src/engine/runtime/session.ts'
import { toF32 } from '../src/foundation/numeric/float.ts'
import { BYTES_PER_ELEMENT, f32, sizeOf } from '../src/foundation/numeric/tensor.ts'
import { openCheckpoint } from '../src/models/checkpoint/folder.ts'
import { openSafetensors } from '../src/models/checkpoint/safetensors.ts'
import { checkpointWeights } from '../src/models/families/weights.ts'

const root = mkdtempSync(join(tmpdir(), 'bifocal-full-size-'))
beforeAll(() => {
  process.env.BIFOCAL_CACHE = join(root, 'cache')
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('sparse files', () => {
  test('hold what is planted and zeros, in shards with an index, on almost no disk', async () => {
    const dir = join(root, 'shards')
    const tensors = [
      { name: 'b', dtype: 'bf16' as const, dims: [1024, 4096] },
      { name: 'a', dtype: 'f32' as const, dims: [1024, 1024] },
      { name: 'c', dtype: 'bf16' as const, dims: [4] },
    ]
    const runs = new Map([
      ['b', [{ at: 4_194_300, values: [1.5, -2] }]],
      ['c', [{ at: 1, values: [3] }]],
    ])
    await writeSparseShards(dir, { tensors, runs }, 10_000_000)
    writeFileSync(join(dir, 'config.json'), '{}')
    const checkpoint = await openCheckpoint(dir)
    expect(checkpoint.files.map((file) => statSync(file).size > 4_000_000)).toEqual([true, true])
    expect(checkpoint.files.reduce((sum, file) => sum + statSync(file).blocks * 512, 0)).toBeLessThan(65_536)
    const b = toF32(await checkpoint.read('b')).data
    expect([...b.subarray(4_194_299)]).toEqual([0, 1.5, -2, 0, 0])
    expect([...toF32(await checkpoint.read('c')).data]).toEqual([0, 3, 0, 0])
    expect(toF32(await checkpoint.read('a')).data.every((value) => value === 0)).toBe(true)
  })

  test.each(['low', 'fast'] as const)(
    'a weight past 4 GiB of a file is read and mapped where it lies, memory %s',
    async (memory) => {
      const path = join(root, `far-${memory}.safetensors`)
      const tensors = [
        { name: 'a', dtype: 'bf16' as const, dims: [2 ** 16, 2 ** 15 + 1] },
        { name: 'z', dtype: 'bf16' as const, dims: [3] },
      ]
      await writeSparse(path, { tensors, runs: new Map([['z', [{ at: 0, values: [1, 2, 4] }]]]) })
      expect(statSync(path).blocks * 512).toBeLessThan(65_536)
      const file = await openSafetensors(path)
      expect(file.tensors.get('z')!.offset).toBeGreaterThan(2 ** 32)
      expect([...toF32(await file.read('z')).data]).toEqual([1, 2, 4])
      const weights = checkpointWeights(
        { ...file, dir: root, config: {}, generationConfig: undefined, weights: path, files: [path] },
        (name) => [name],
      )
      const graph = new Graph()
      const scope = rootScope(graph, weights)
      graph.output('y', add(graph.input('x', 'f32', [3]), scope.weight('z', [3])))
      const session = await openSession(compile(graph), { weights, memory, threads: 1 })
      const { y } = await session.run({ x: f32([3], [10, 10, 10]) })
      await session.close()
      expect(y?.data).toBeAllClose([11, 12, 14])
    },
  )
})

// One of each way of pictures and masks; `scripts/full-size.ts` runs every layout.
const layouts: [name: string, make: (size: Size) => Layout][] = [
  ['lavida', lavidaLayout],
  ['mmada', mmadaLayout],
  ['diffusionvl', diffusionVlLayout],
  ['sdar-vl', sdarVlLayout],
]

describe('layouts of true size', () => {
  const count = ({ tensors }: PlantedWeights) => [
    tensors.length,
    tensors.reduce((sum, { dims }) => sum + sizeOf(dims), 0),
  ]

  test('have the published numbers of tensors and parameters', () => {
    expect(count(lavidaLayout({ scale: 1 }))).toEqual([717, 8_434_837_024])
    expect(count(mmadaLayout({ scale: 1 }))).toEqual([291, 8_082_690_048])
    expect(count(qwen2VlLayout({ scale: 1 }))).toEqual([729, 2_208_985_600])
    expect(count(diffusionVlLayout({ scale: 1 }))).toEqual([824, 3_754_622_976])
    expect(count(dreamVlLayout({ scale: 1 }))).toEqual([734, 8_317_072_896])
    expect(count(dimpleLayout({ scale: 1 }))).toEqual([733, 8_317_863_936])
    expect(count(sdarVlLayout({ scale: 1 }))).toEqual([839, 4_833_919_600])
    expect(count(omniDiffusionLayout({ scale: 1 }))).toEqual([339, 7_789_082_112])
  })

  test("MMaDA's image tokenizer too", () => {
    const { tensors } = mmadaLayout({ scale: 1 }).companion!
    const bytes = tensors.reduce((sum, { dtype, dims }) => sum + sizeOf(dims) * BYTES_PER_ELEMENT[dtype], 0)
    expect([tensors.length, bytes]).toEqual([382, 381_974_104])
  })
})

describe('two layers of an eighth of the width', () => {
  test.each(layouts)('%s gives the vector by hand', { timeout: 240_000 }, async (name, make) => {
    const layout = make({ layers: 2, scale: 8 })
    const dir = join(root, name)
    const written = await writeCheckpoint(dir, layout)
    const { vector } = await measure(dir, written, 1)
    const { difference, effects } = await compare(dir, layout, written, vector)
    expect(difference).toBeLessThanOrEqual(TOLERANCE)
    for (const { change } of effects) expect(change).toBeGreaterThan(10 * TOLERANCE)
    if (name !== layouts[0]![0]) return
    // Another number in a single tensor is another vector.
    const tensor = effects[1]!.at.name
    const plants = new Map([...written.plants, [tensor, { ...written.plants.get(tensor)!, value: 0.5 }]])
    expect((await compare(dir, layout, { ...written, plants }, vector)).difference).toBeGreaterThan(
      10 * TOLERANCE,
    )
  })

  test('a tuning starts at the loss by hand, and its gradients foretell the next one', {
    timeout: 240_000,
  }, async () => {
    const layout = lavidaLayout({ layers: 2, scale: 8 })
    const dir = join(root, 'tuning')
    const written = await writeCheckpoint(dir, layout, false, TEXTS)
    const { losses, byHand, foretold } = await tuneSteps(dir, layout, written, {
      threads: 1,
      recompute: true,
    })
    expect(losses[0]).toBeCloseTo(byHand, 4)
    expect((losses[1]! - losses[0]!) / foretold).toBeCloseTo(1, 1)
  })

  test('without a picture, the decoder alone is planted and checked', { timeout: 240_000 }, async () => {
    const layout = qwen2VlLayout({ layers: 2, scale: 8 })
    const dir = join(root, 'text')
    const written = await writeCheckpoint(dir, layout, false)
    expect(written.item.views).toEqual([])
    const { vector } = await measure(dir, written, 1)
    const { difference, effects } = await compare(dir, layout, written, vector)
    expect(difference).toBeLessThanOrEqual(TOLERANCE)
    expect(effects.length).toBeGreaterThanOrEqual(3)
    for (const { change } of effects) expect(change).toBeGreaterThan(10 * TOLERANCE)
  })
})
