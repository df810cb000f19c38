/** @file Adapter folders of PEFT read, merged, written and refused. */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { goldenDir, hasGolden } from '../../test/golden.ts'
import { toF32 } from '../numeric/float.ts'
import { f32, i64, type Tensor } from '../numeric/tensor.ts'
import { adapterParameters, initialAdapter, mergeAdapter } from './adapter.ts'
import { readAdapter, writeAdapter } from './adapter-folder.ts'
import { loadSafetensors, writeSafetensors } from './safetensors.ts'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-adapter-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const layers = [
  { module: 'model.layers.0.q_proj', inFeatures: 6, outFeatures: 4 },
  { module: 'model.layers.1.q_proj', inFeatures: 6, outFeatures: 4 },
]
const fresh = () => initialAdapter(layers, { rank: 2, alpha: 8, seed: 3, baseModel: 'twin-ar' })

describe('a fresh adapter', () => {
  test('changes nothing, draws each module by its name', async () => {
    const adapter = fresh()
    const weight = f32([4, 6], Float32Array.from({ length: 24 }, Math.sin))
    const merged = await mergeAdapter(adapter, async () => weight)
    expect([...merged.keys()]).toEqual(['model.layers.0.q_proj.weight', 'model.layers.1.q_proj.weight'])
    for (const { data } of merged.values()) expect(data).toEqual(weight.data)
    const [first, second] = [...adapter.modules.values()]
    expect(first!.down.data).not.toEqual(second!.down.data)
    expect(initialAdapter(layers.slice(1), { rank: 2, alpha: 8, seed: 3 }).modules.get(layers[1]!.module)).toEqual(second)
  })

  test('A has standard deviation 1 / rank', () => {
    const { modules } = initialAdapter([{ module: 'm', inFeatures: 4000, outFeatures: 1 }], { rank: 4, alpha: 4, seed: 1 })
    const { data } = modules.get('m')!.down
    expect(Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length)).toBeCloseTo(0.25, 2)
  })

  test('its parameters are its own arrays', async () => {
    const adapter = fresh()
    adapterParameters(adapter)['model.layers.0.q_proj.lora_B.weight']!.data.fill(1)
    const { down } = adapter.modules.get('model.layers.0.q_proj')!
    const merged = await mergeAdapter(adapter, async () => f32([4, 6], new Float32Array(24)))
    // alpha / rank = 4, both rows of A summed by ones.
    expect(merged.get('model.layers.0.q_proj.weight')!.data[0]).toBeCloseTo(4 * (down.data[0]! + down.data[6]!), 6)
  })

  test('survives its folder', async () => {
    const dir = join(root, 'fresh')
    await writeAdapter(dir, fresh())
    expect(await readAdapter(dir)).toEqual(fresh())
  })
})

test.each([
  ['a module that the base lacks', async () => undefined],
  ['other dims', async () => f32([6, 4], new Float32Array(24))],
])('merging into %s is refused', async (_, base) => {
  await expect(mergeAdapter(fresh(), base)).rejects.toMatchObject({
    code: 'checkpoint/adapter-target',
    message: expect.stringContaining('layers.1'),
  })
})

describe('a folder is refused', () => {
  const broken = async (
    name: string,
    config: object,
    tensors: (given: Record<string, Tensor>) => Record<string, Tensor> = (given) => given,
  ) => {
    const dir = join(root, name)
    await writeAdapter(dir, fresh())
    writeFileSync(
      join(dir, 'adapter_config.json'),
      JSON.stringify({ ...JSON.parse(readFileSync(join(dir, 'adapter_config.json'), 'utf8')), ...config }),
    )
    const path = join(dir, 'adapter_model.safetensors')
    await writeSafetensors(path, tensors(Object.fromEntries(await loadSafetensors(path))))
    return readAdapter(dir)
  }
  const without = (part: string) => (given: Record<string, Tensor>) =>
    Object.fromEntries(Object.entries(given).filter(([name]) => !name.includes(part)))

  test.each([
    ['dora', 'checkpoint/adapter-kind', { use_dora: true }, undefined],
    ['saved modules', 'checkpoint/adapter-kind', { modules_to_save: ['projector'] }, undefined],
    ['biases', 'checkpoint/adapter-kind', { bias: 'all' }, undefined],
    ['another kind', 'checkpoint/adapter-kind', { peft_type: 'IA3' }, undefined],
    ['another rank', 'checkpoint/adapter-tensors', { r: 3 }, undefined],
    ['a bad pattern', 'file/schema', { rank_pattern: { '(': 2 } }, undefined],
    ['no B', 'checkpoint/adapter-tensors', {}, without('1.q_proj.lora_B')],
    ['no A', 'checkpoint/adapter-tensors', {}, without('1.q_proj.lora_A')],
    ['no tensors', 'checkpoint/adapter-tensors', {}, without('lora')],
    ['a foreign tensor', 'checkpoint/adapter-tensors', {}, (given: Record<string, Tensor>) => ({ ...given, other: f32([1], [1]) })],
    [
      'whole numbers',
      'tensor/dtype',
      {},
      (given: Record<string, Tensor>) => ({
        ...given,
        'base_model.model.model.layers.0.q_proj.lora_A.weight': i64([2, 6], Array(12).fill(0)),
      }),
    ],
  ])('%s', async (name, code, config, tensors) => expect(broken(name, config, tensors)).rejects.toMatchObject({ code }))

  test('a pickled one', async () => {
    const dir = join(root, 'pickled')
    await writeAdapter(dir, fresh())
    rmSync(join(dir, 'adapter_model.safetensors'))
    writeFileSync(join(dir, 'adapter_model.bin'), '')
    await expect(readAdapter(dir)).rejects.toMatchObject({ code: 'checkpoint/adapter-kind' })
  })
})

describe('PEFT', () => {
  const tuned = hasGolden('tune-lora-llava')
  const merges = hasGolden('tune-merge')

  test.runIf(tuned)('folders are read and written again with the same tensors', async () => {
    for (const name of ['adapter-0', 'adapter-3']) {
      const dir = join(root, name)
      const adapter = await readAdapter(join(goldenDir('tune-lora-llava'), name))
      await writeAdapter(dir, adapter)
      const [got, expected] = await Promise.all(
        [dir, join(goldenDir('tune-lora-llava'), name)].map((folder) => loadSafetensors(join(folder, 'adapter_model.safetensors'))),
      )
      expect(new Map([...got!].sort())).toEqual(new Map([...expected!].sort()))
      expect(await readAdapter(dir)).toEqual(adapter)
    }
  })

  test.runIf(tuned)('adapter-3 merged equals merge_and_unload', async () => {
    const fixture = goldenDir('tune-lora-llava')
    const base = await loadSafetensors(join(fixture, 'checkpoint/model.safetensors'))
    const expected = await loadSafetensors(join(fixture, 'tensors.safetensors'))
    const merged = await mergeAdapter(await readAdapter(join(fixture, 'adapter-3')), async (module) => f32Of(base.get(`${module}.weight`)))
    const names = [...expected.keys()].filter((name) => name.startsWith('merged/'))
    expect(names).not.toHaveLength(0)
    for (const name of names)
      expect(merged.get(name.slice('merged/'.length))!.data).toBeAllClose(toF32(expected.get(name)!).data, { atol: 2e-6 })
  })

  test.runIf(merges).each(['lora', 'patterns', 'old-names-bf16'])('%s merged equals merge_and_unload', async (name) => {
    const fixture = goldenDir('tune-merge')
    const base = await loadSafetensors(join(fixture, 'checkpoint/model.safetensors'))
    const expected = await loadSafetensors(join(fixture, 'tensors.safetensors'))
    const adapter = await readAdapter(join(fixture, `adapter-${name}`))
    const merged = await mergeAdapter(adapter, async (module) => f32Of(base.get(`${published(module)}.weight`)))
    const got = new Map([...merged].map(([key, value]) => [`${name}/merged/${newer(key)}`, value]))
    const names = [...expected.keys()].filter((key) => key.startsWith(`${name}/merged/`))
    expect([...got.keys()].sort()).toEqual(names.sort())
    for (const key of names) expect(got.get(key)!.data).toBeAllClose(toF32(expected.get(key)!).data, { atol: 2e-6 })
  })

  test.runIf(merges).each(['dora', 'layers', 'modules-to-save'])('%s is refused', async (name) => {
    const copy = join(root, name)
    cpSync(join(goldenDir('tune-merge'), `adapter-${name}`), copy, { recursive: true })
    await expect(readAdapter(copy)).rejects.toMatchObject({ code: 'checkpoint/adapter-kind' })
  })
})

const f32Of = (value: Tensor | undefined) => value && toF32(value)
/** Module paths of transformers from 4.52 on → those of published checkpoints. */
const published = (module: string) =>
  module.replace(/^model\.language_model\./, 'language_model.model.').replace(/^model\.(vision_tower|multi_modal_projector)\./, '$1.')
const newer = (module: string) =>
  module.replace(/^language_model\.model\./, 'model.language_model.').replace(/^(vision_tower|multi_modal_projector)\./, 'model.$1.')
