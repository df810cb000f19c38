/** @file Adapter folders of PEFT read, merged, written and refused. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { goldenDir } from '../../../test/golden.ts'
import { f32, i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import { type Adapter, adapterParameters, initialAdapter } from './adapter.ts'
import { bindAdapter, editedWeights, mergedEdits } from './adapter-binding.ts'
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
/** A model whose parameters are spelled in one way only. */
const baseOf = (parameters: Record<string, readonly number[]>) => ({
  parameters: Object.entries(parameters).map(([name, dims]) => ({ name, dims })),
  spellings: (name: string) => [name],
  tensors: new Map(Object.entries(parameters).map(([name, dims]) => [name, { dims }])),
})
const small = baseOf(Object.fromEntries(layers.map(({ module }) => [`${module}.weight`, [4, 6]])))
const merge = (adapter: Adapter, weight: Tensor<'f32'>) =>
  editedWeights(mergedEdits(bindAdapter(adapter, small)), async () => weight)
const fresh = () => initialAdapter(layers, { rank: 2, alpha: 8, seed: 3, baseModel: 'twin-ar' })

describe('a fresh adapter', () => {
  test('changes nothing, draws each module by its name', async () => {
    const adapter = fresh()
    const weight = f32([4, 6], Float32Array.from({ length: 24 }, Math.sin))
    const merged = await merge(adapter, weight)
    expect([...merged.keys()]).toEqual(['model.layers.0.q_proj.weight', 'model.layers.1.q_proj.weight'])
    for (const { data } of merged.values()) expect(data).toEqual(weight.data)
    const [first, second] = [...adapter.modules.values()]
    expect(first!.down.data).not.toEqual(second!.down.data)
    expect(
      initialAdapter(layers.slice(1), { rank: 2, alpha: 8, seed: 3 }).modules.get(layers[1]!.module),
    ).toEqual(second)
  })

  test('A has standard deviation 1 / rank', () => {
    const { modules } = initialAdapter([{ module: 'm', inFeatures: 4000, outFeatures: 1 }], {
      rank: 4,
      alpha: 4,
      seed: 1,
    })
    const { data } = modules.get('m')!.down
    expect(Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length)).toBeCloseTo(0.25, 2)
  })

  test('its parameters are its own arrays', async () => {
    const adapter = fresh()
    adapterParameters(adapter)['model.layers.0.q_proj.lora_B.weight']!.data.fill(1)
    const { down } = adapter.modules.get('model.layers.0.q_proj')!
    const merged = await merge(adapter, f32([4, 6], new Float32Array(24)))
    // alpha / rank = 4, both rows of A summed by ones.
    expect(merged.get('model.layers.0.q_proj.weight')!.data[0]).toBeCloseTo(
      4 * (down.data[0]! + down.data[6]!),
      6,
    )
  })

  test('survives its folder', async () => {
    const dir = join(root, 'fresh')
    await writeAdapter(dir, fresh())
    expect(await readAdapter(dir)).toEqual(fresh())
  })
})

describe('binding', () => {
  test.each<[string, Record<string, readonly number[]>, RegExp]>([
    [
      'a module that the base lacks',
      { 'model.layers.0.q_proj.weight': [4, 6] },
      /layers\.1\.q_proj\.weight is not in the base model/,
    ],
    [
      'other dims',
      { 'model.layers.0.q_proj.weight': [4, 6], 'model.layers.1.q_proj.weight': [6, 4] },
      /layers\.1\.q_proj\.weight is \[6,4\] in the base model, \[4,6\]/,
    ],
    ['another model', { 'transformer.h.0.attn.weight': [4, 6] }, /2? ?not in the base model/],
  ])('to %s is refused', (_, parameters, message) => {
    expect(() => bindAdapter(fresh(), baseOf(parameters))).toThrow(
      expect.objectContaining({ code: 'checkpoint/adapter-target', message: expect.stringMatching(message) }),
    )
  })

  test('tensors for layers that the files have and the model never runs are idle', () => {
    const parameters = { 'model.layers.0.q_proj.weight': [4, 6] }
    const inFile = { dims: [4, 6] }
    const base = {
      ...baseOf(parameters),
      tensors: new Map([
        ['layers.0.q_proj.weight', inFile],
        ['layers.1.q_proj.weight', inFile],
      ]),
    }
    const spellings = (name: string) => [name, name.replace(/^model\./, '')]
    const bound = bindAdapter(fresh(), { ...base, spellings })
    expect([...bound.linears.keys()]).toEqual(['model.layers.0.q_proj'])
    expect([...bound.idle.keys()]).toEqual(['model.layers.1.q_proj.weight'])
  })

  test('when the model uses nothing is refused', () => {
    const adapter = initialAdapter([{ module: 'lm_head', inFeatures: 6, outFeatures: 4 }], {
      rank: 2,
      alpha: 8,
      seed: 3,
    })
    expect(() => bindAdapter(adapter, small)).toThrow(
      expect.objectContaining({ code: 'checkpoint/adapter-target' }),
    )
  })

  test('names the modules that the config targets and no tensor is for', () => {
    const adapter = fresh()
    const modules = new Map([...adapter.modules].slice(0, 1))
    expect(bindAdapter({ ...adapter, modules }, small).untouched).toEqual(['model.layers.1.q_proj'])
  })
})

describe('names without the prefix of the model with its head', () => {
  const canonical = layers.map(({ module }) => module.replace('model.', 'language_model.'))
  const base = {
    ...baseOf(Object.fromEntries(canonical.map((module) => [`${module}.weight`, [4, 6]]))),
    // Qwen's: older files, and those of newer releases.
    spellings: (name: string) => [name.replace('language_model.', 'model.'), `model.${name}`],
    tensors: new Map(layers.map(({ module }) => [`${module}.weight`, { dims: [4, 6] }])),
  }
  const named = (prefix: string): Adapter => {
    const adapter = fresh()
    const renamed = [...adapter.modules].map(
      ([module, update]) => [module.replace('model.', prefix), update] as const,
    )
    return { ...adapter, config: { ...adapter.config, targets: ['q_proj'] }, modules: new Map(renamed) }
  }

  test.each(['language_model.', ''])(
    '%slayers…: each update is used, none is said to be absent',
    (prefix) => {
      const bound = bindAdapter(named(prefix), base)
      expect([...bound.linears.keys()]).toEqual(canonical)
      expect([bound.idle.size, bound.untouched.length]).toEqual([0, 0])
    },
  )

  test.each(['language_model.', ''])('%slayers…: a module without tensors is still named', (prefix) => {
    const adapter = named(prefix)
    const modules = new Map([...adapter.modules].slice(1))
    expect(bindAdapter({ ...adapter, modules }, base).untouched).toEqual([layers[0]!.module])
  })

  test('two spellings of one weight are refused: one of the updates would be lost', () => {
    const both = { ...named(''), modules: new Map([...named('model.').modules, ...named('').modules]) }
    expect(() => bindAdapter(both, base)).toThrow(
      expect.objectContaining({
        code: 'checkpoint/adapter-target',
        message: expect.stringContaining(
          'layers.0.q_proj.weight is a second update of language_model.layers.0',
        ),
      }),
    )
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
  const withProjector = (given: Record<string, Tensor>) => ({
    ...given,
    'base_model.model.projector.weight': f32([1], [1]),
  })
  const without = (part: string) => (given: Record<string, Tensor>) =>
    Object.fromEntries(Object.entries(given).filter(([name]) => !name.includes(part)))

  test.each([
    ['DoRA without magnitudes', 'checkpoint/adapter-tensors', { use_dora: true }, undefined],
    ['another kind', 'checkpoint/adapter-kind', { peft_type: 'IA3' }, undefined],
    [
      'a base that the adapter changed',
      'checkpoint/adapter-kind',
      { init_lora_weights: 'pissa_niter_4' },
      undefined,
    ],
    ['replicated layers', 'checkpoint/adapter-kind', { layer_replication: [[0, 2]] }, undefined],
    [
      'modules that are not targeted',
      'checkpoint/adapter-tensors',
      { target_modules: ['k_proj'] },
      undefined,
    ],
    [
      'modules that are excluded',
      'checkpoint/adapter-tensors',
      { exclude_modules: 'model\\.layers\\.1.*' },
      undefined,
    ],
    [
      'layers that are not chosen',
      'checkpoint/adapter-tensors',
      { target_modules: ['q_proj'], layers_to_transform: [0] },
      undefined,
    ],
    ['a whole tensor that nothing asks for', 'checkpoint/adapter-tensors', {}, withProjector],
    ['another rank', 'checkpoint/adapter-tensors', { r: 3 }, undefined],
    ['a bad pattern', 'file/schema', { rank_pattern: { '(': 2 } }, undefined],
    ['no B', 'checkpoint/adapter-tensors', {}, without('1.q_proj.lora_B')],
    ['no A', 'checkpoint/adapter-tensors', {}, without('1.q_proj.lora_A')],
    ['no tensors', 'checkpoint/adapter-tensors', {}, without('lora')],
    [
      'a foreign tensor',
      'checkpoint/adapter-tensors',
      {},
      (given: Record<string, Tensor>) => ({ ...given, other: f32([1], [1]) }),
    ],
    [
      'whole numbers',
      'checkpoint/adapter-tensors',
      {},
      (given: Record<string, Tensor>) => ({
        ...given,
        'base_model.model.model.layers.0.q_proj.lora_A.weight': i64([2, 6], Array(12).fill(0)),
      }),
    ],
  ])('%s', async (name, code, config, tensors) =>
    expect(broken(name, config, tensors)).rejects.toMatchObject({ code }),
  )

  test('whole numbers are told with file and tensor', async () => {
    const name = 'base_model.model.model.layers.0.q_proj.lora_B.weight'
    await expect(
      broken('named', {}, (given) => ({ ...given, [name]: i64([5, 2], Array(10).fill(0)) })),
    ).rejects.toMatchObject({
      exitCode: 3,
      message: `${join(root, 'named', 'adapter_model.safetensors')}: ${name} is i64, expected f32, f16 or bf16`,
    })
  })

  test('one that was saved under a name: the hint names its folder', async () => {
    const dir = join(root, 'named-inside')
    await writeAdapter(join(dir, 'vision'), fresh())
    await writeAdapter(join(dir, 'text'), fresh())
    await expect(readAdapter(dir)).rejects.toMatchObject({
      code: 'file/missing',
      hint: expect.stringContaining(`${join(dir, 'text')}, ${join(dir, 'vision')}`),
    })
  })

  test('a pickled one', async () => {
    const dir = join(root, 'pickled')
    await writeAdapter(dir, fresh())
    rmSync(join(dir, 'adapter_model.safetensors'))
    writeFileSync(join(dir, 'adapter_model.bin'), '')
    await expect(readAdapter(dir)).rejects.toMatchObject({ code: 'checkpoint/adapter-kind' })
  })
})

describe('PEFT', () => {
  test('folders are read and written again with the same tensors', async () => {
    for (const name of ['adapter-0', 'adapter-3']) {
      const dir = join(root, name)
      const adapter = await readAdapter(join(goldenDir('tune-lora-llava'), name))
      await writeAdapter(dir, adapter)
      const [got, expected] = await Promise.all(
        [dir, join(goldenDir('tune-lora-llava'), name)].map((folder) =>
          loadSafetensors(join(folder, 'adapter_model.safetensors')),
        ),
      )
      expect(new Map([...got!].sort())).toEqual(new Map([...expected!].sort()))
      expect(await readAdapter(dir)).toEqual(adapter)
    }
  })

  test.each(['lora', 'dora', 'patterns', 'modules-to-save', 'layers'])(
    '%s is written again with the same tensors',
    async (name) => {
      const folders = [join(goldenDir('tune-merge'), `adapter-${name}`), join(root, name)]
      const adapter = await readAdapter(folders[0]!)
      await writeAdapter(folders[1]!, adapter)
      const [expected, got] = await Promise.all(
        folders.map((folder) => loadSafetensors(join(folder, 'adapter_model.safetensors'))),
      )
      expect(new Map([...got!].sort())).toEqual(new Map([...expected!].sort()))
      expect(await readAdapter(folders[1]!)).toEqual(adapter)
    },
  )
})
