/** @file Merged checkpoints equal PEFT's, in the base's files and dtypes; joined adapters embed. */

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { goldenDir } from '../../../../test/golden.ts'
import { writeRandomTwins } from '../../../../test/random-twins.ts'
import { f32ToBf16, toF32 } from '../../../foundation/numeric/float.ts'
import { stream } from '../../../foundation/numeric/random.ts'
import { type Adapter, initialAdapter } from '../../checkpoint/adapter.ts'
import { weightFinder } from '../../checkpoint/adapter-binding.ts'
import { writeAdapter } from '../../checkpoint/adapter-folder.ts'
import { openCheckpoint } from '../../checkpoint/folder.ts'
import { loadSafetensors, writeSafetensors } from '../../checkpoint/safetensors.ts'
import { decoderLinears, modelParameters } from '../../families/parameters.ts'
import { modelOf } from '../../families/registry.ts'
import { checkpointWeights } from '../../families/weights.ts'
import { readContract } from '../contract.ts'
import { Embedder } from '../embedder.ts'
import { mergeAdapters } from './adapters.ts'
import { mergeModel } from './checkpoint.ts'

let root = ''
let twins: Awaited<ReturnType<typeof writeRandomTwins>>
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-merge-'))
  twins = await writeRandomTwins(root)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const items = [{ text: 'a red apple' }, { text: 'what is to the left of the cat?' }]
async function vectorsOf(path: string, options: Parameters<typeof Embedder.load>[1] = {}) {
  const embedder = await Embedder.load(path, { threads: 1, preset: 'none', ...options })
  const { vectors } = await embedder.embed(items)
  await embedder.close()
  return vectors.data
}

/** Writes an adapter of a twin's decoder with random updates. */
async function adapterOf(base: string, name: string, rank = 4): Promise<string> {
  const model = modelOf((await openCheckpoint(base)).config)
  if (model.kind !== 'vision-language') throw new Error('a twin is expected')
  const layers = decoderLinears(model).map((layer) => ({
    ...layer,
    module: model.runtimeName(`${layer.module}.weight`).replace(/\.weight$/, ''),
  }))
  const adapter: Adapter = initialAdapter(layers, { rank, alpha: 8, seed: 1, baseModel: base })
  for (const [module, { up, down }] of adapter.modules)
    for (const { data } of [up, down]) {
      const random = stream(name, module, data.length)
      for (let i = 0; i < data.length; i++) data[i] = (random() - 0.5) / 4
    }
  const folder = join(root, name)
  await writeAdapter(folder, adapter)
  return folder
}

describe('an adapter merged into its base', () => {
  const dir = goldenDir('tune-merge')
  const cases: {
    adapters: { name: string; folder: string; changed: string[] }[]
    tolerance: { merged: number }
  } = JSON.parse(readFileSync(join(dir, 'cases.json'), 'utf8'))

  test.each(cases.adapters.map((one) => [one.name, one] as const))(
    '%s: every tensor is that of PEFT',
    async (name, { folder }) => {
      const out = join(root, `merged-${name}`)
      const base = join(dir, 'checkpoint')
      const adapter = join(dir, folder)
      const { changed } = await mergeModel(base, { out, adapter })
      const expected = await loadSafetensors(join(dir, 'tensors.safetensors'))
      const [before, after] = [await openCheckpoint(base), await openCheckpoint(out)]
      const wanted = [...expected].flatMap(([key, value]) =>
        key.startsWith(`${name}/merged/`) ? [[key.slice(name.length + 8), toF32(value)] as const] : [],
      )
      expect(changed).toHaveLength(wanted.length)
      // The fixture has the names of the running model, the files have older ones.
      const model = modelOf(after.config)
      const find = weightFinder({
        parameters: modelParameters(model),
        spellings: model.weightSpellings,
        tensors: after.tensors,
      })
      const stored = checkpointWeights(after, model.weightSpellings)
      for (const [spelled, value] of wanted) {
        const { name } = find(spelled)!
        const got = toF32(await after.read(stored.find(name)?.name ?? name))
        expect(got.data, spelled).toBeAllClose(value.data, { atol: cases.tolerance.merged })
      }
      for (const file of after.tensors.keys())
        if (!changed.includes(file)) expect(await after.read(file), file).toEqual(await before.read(file))
      const settings = (folder: string) =>
        readdirSync(folder)
          .filter((file) => !file.startsWith('embedder'))
          .sort()
      expect(settings(out)).toEqual(settings(base))
    },
  )

  test('keeps the shards, the dtype and the contract; golden vectors do not come along', async () => {
    const base = join(root, 'sharded')
    cpSync(twins.ar, base, { recursive: true })
    const tensors = await loadSafetensors(join(base, 'model.safetensors'))
    rmSync(join(base, 'model.safetensors'))
    const all = [...tensors].map(([name, value]) => {
      const { dims, data } = toF32(value)
      return [name, { dtype: 'bf16' as const, dims, data: f32ToBf16(data) }] as const
    })
    const parts = [all.slice(0, 9), all.slice(9)]
    const map: Record<string, string> = {}
    for (const [i, part] of parts.entries()) {
      const file = `model-0000${i + 1}-of-00002.safetensors`
      for (const [name] of part) map[name] = file
      await writeSafetensors(join(base, file), Object.fromEntries(part), { format: 'pt' })
    }
    writeFileSync(
      join(base, 'model.safetensors.index.json'),
      JSON.stringify({ metadata: {}, weight_map: map }),
    )
    writeFileSync(join(base, 'README.md'), 'the base')
    const folder = await adapterOf(base, 'for-shards')
    const out = join(root, 'merged-shards')
    await mergeModel(folder, { out })
    const merged = await openCheckpoint(out)
    expect(merged.files.map((file) => file.slice(out.length + 1))).toEqual(
      Object.values(map).filter((file, i, all) => all.indexOf(file) === i),
    )
    expect(new Set([...merged.tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(['bf16']))
    expect(readdirSync(out)).not.toContain('README.md')
    expect((await readContract(out))?.contract).toMatchObject({
      base: { path: '.' },
      readout: { pool: 'last' },
    })
    // Weights in bf16 are rounded after the sum: near, not equal.
    const live = await vectorsOf(folder)
    expect(await vectorsOf(out)).toBeAllClose(live, { atol: 0.02 })
    expect(await vectorsOf(out)).not.toBeAllClose(await vectorsOf(base), { atol: 0.02 })
  })

  test.each<[string, () => Promise<unknown>, string]>([
    [
      'a model without an adapter',
      () => mergeModel(twins.ar, { out: join(root, 'none') }),
      'embedder/no-adapter',
    ],
    [
      'a folder that has files',
      async () => mergeModel(twins.ar, { out: twins.diffusion, adapter: await adapterOf(twins.ar, 'full') }),
      'checkpoint/out',
    ],
    [
      'an adapter of another base',
      async () =>
        mergeModel(twins.diffusion, { out: join(root, 'x'), adapter: await adapterOf(twins.ar, 'alien') }),
      'checkpoint/adapter-target',
    ],
  ])('%s is refused', async (_, run, code) => {
    await expect(run()).rejects.toMatchObject({ code })
  })
})

describe('several adapters', () => {
  test('of one base: the mean, live, is the mean of the merged weights', async () => {
    const [a, b] = [await adapterOf(twins.ar, 'a', 4), await adapterOf(twins.ar, 'b', 2)]
    const out = join(root, 'joined')
    expect(await mergeAdapters([a, b], { weights: [2, 1], out })).toMatchObject({ rank: 6, kept: 1 })
    const merged = await Promise.all(
      [a, b, out].map(async (path, i) => {
        const folder = join(root, `joined-merged-${i}`)
        await mergeModel(path, { out: folder })
        return await loadSafetensors(join(folder, 'model.safetensors'))
      }),
    )
    for (const [name, value] of merged[2]!) {
      const [x, y] = [toF32(merged[0]!.get(name)!), toF32(merged[1]!.get(name)!)]
      const mean = x.data.map((one, i) => (2 * one + y.data[i]!) / 3)
      expect(toF32(value).data, name).toBeAllClose(mean, { atol: 1e-6 })
    }
  })

  test('of two bases are refused', async () => {
    const [a, b] = [await adapterOf(twins.ar, 'c'), await adapterOf(twins.diffusion, 'd')]
    await expect(mergeAdapters([a, b], { out: join(root, 'never') })).rejects.toMatchObject({
      code: 'embedder/other-base',
    })
  })

  test.each<[string, Parameters<typeof mergeAdapters>[1], string]>([
    ['weights that are too few', { out: 'never', weights: [1] }, 'checkpoint/adapter-mix'],
  ])('%s are refused', async (_, options, code) => {
    await expect(mergeAdapters(['a', 'b'], { ...options, out: join(root, 'never') })).rejects.toMatchObject({
      code,
    })
  })
})
