import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { embedded, items, row } from '../../../test/embedded.ts'
import { writeRandomTwins } from '../../../test/random-twins.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import type { Item } from '../../inputs/data/item.ts'
import { type Adapter, initialAdapter } from '../checkpoint/adapter.ts'
import { openCheckpoint } from '../checkpoint/folder.ts'
import { writeSafetensors } from '../checkpoint/safetensors.ts'
import { modelOf } from '../families/registry.ts'
import { defaultContract, readContract, writeContract } from './contract.ts'
import { Embedder } from './embedder.ts'
import { verifyContract } from './golden/contract.ts'
import { layerNames } from './readout.ts'
import type { LoadOptions } from './subject.ts'

let root: string
let folders: Awaited<ReturnType<typeof writeRandomTwins>>
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-embedder-'))
  folders = await writeRandomTwins(root)
}, 120_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe.each(['tower', 'ar', 'diffusion'] as const)('%s', (name) => {
  test('gives unit vectors that do not depend on their company', async () => {
    const together = await embedded(folders[name], [...items, items[0]!])
    expect(together.vectors.dims).toEqual([4, 24])
    expect(together.usage).toMatchObject({ items: 4, distinct: 3 })
    expect(row(together.vectors, 3)).toEqual(row(together.vectors, 0))
    for (const [i, item] of items.entries()) {
      const vector = row(together.vectors, i)
      expect(Math.hypot(...vector)).toBeCloseTo(1, 5)
      expect(vector).toBeAllClose(row((await embedded(folders[name], [item])).vectors, 0), { atol: 2e-6 })
    }
    expect(row(together.vectors, 0)).not.toBeAllClose(row(together.vectors, 1), { atol: 0.01 })
  })

  test('keeps leading elements, at unit length', async () => {
    const embedder = await Embedder.load(folders[name])
    const [full, cut] = [await embedder.embed(items), await embedder.embed(items, { dims: 5 })]
    const head = row(full.vectors, 1).slice(0, 5)
    const norm = Math.hypot(...head)
    expect(row(cut.vectors, 1)).toBeAllClose(
      head.map((value) => value / norm),
      { atol: 1e-6 },
    )
    await expect(embedder.embed(items, { dims: 25 })).rejects.toMatchObject({ code: 'embedder/dims' })
    await embedder.close()
  })

  test('a bad item ends the call, or is skipped and named', async () => {
    const embedder = await Embedder.load(folders[name])
    const given: Item[] = [
      { text: '  ' },
      { text: 'a cat' },
      { image: 'absent.png' },
      { image: new Uint8Array([1, 2, 3]) },
      {},
    ]
    await expect(embedder.embed(given)).rejects.toMatchObject({ code: 'data/empty-item' })
    const { vectors, kept, skipped } = await embedder.embed(given, { badItems: 'skip' })
    expect(kept).toEqual([1])
    expect(vectors.dims).toEqual([1, 24])
    expect(skipped.map(({ index, code }) => [index, code])).toEqual([
      [0, 'data/empty-item'],
      [2, 'file/missing'],
      [3, 'media/format'],
      [4, 'data/empty-item'],
    ])
    await embedder.close()
  })

  test('text over the context is refused, or cut as the reference does', async () => {
    const long = { text: 'keys '.repeat(400) }
    await expect(embedded(folders[name], [long])).rejects.toMatchObject({
      code: expect.stringMatching(/\/too-long$/),
    })
    const { vectors } = await embedded(folders[name], [long], { truncation: 'reference' })
    expect(Math.hypot(...vectors.data)).toBeCloseTo(1, 5)
  })

  test('an interruption before the run is one', async () => {
    const embedder = await Embedder.load(folders[name])
    await expect(embedder.embed(items, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'interrupted',
      exitCode: 130,
    })
    await embedder.close()
  })
})

describe('readouts', () => {
  test('several from one pass equal each alone; the mask of a causal model changes them', async () => {
    const mean = { layer: 'last', norm: 'after', pool: 'mean' } as const
    const early = { layer: 0, norm: 'before', pool: 'last', dims: 7 } as const
    const { readouts } = await embedded(folders.ar, items, { readouts: { mean, early } })
    expect(readouts.early!.dims).toEqual([3, 7])
    const alone = await embedded(folders.ar, items, { readout: mean })
    expect(readouts.mean!.data).toBeAllClose(alone.vectors.data, { atol: 1e-6 })
    const other = await embedded(folders.ar, items, { readout: mean, attention: 'bidirectional' })
    expect(other.vectors.data).not.toBeAllClose(alone.vectors.data, { atol: 1e-4 })
  })

  test('one pass gives the same bytes as a readout alone, whatever else is read', async () => {
    const readouts = Object.fromEntries(
      layerNames(2).map((layer) => [`${layer}`, { layer, norm: 'before', pool: 'mean' } as const]),
    )
    const load = { readouts, threads: 1 }
    const { vectors, readouts: all } = await embedded(folders.ar, items, load)
    expect(Object.keys(all)).toEqual(['0', '1', 'inputs'])
    for (const [name, readout] of Object.entries(readouts)) {
      const alone = await embedded(folders.ar, items, { readout, threads: 1 })
      expect(Array.from(alone.vectors.data), name).toEqual(Array.from(all[name]!.data))
    }
    const plain = await embedded(folders.ar, items, { threads: 1 })
    expect(Array.from(plain.vectors.data)).toEqual(Array.from(vectors.data))
    expect(all.inputs!.data).not.toBeAllClose(all['0']!.data, { atol: 1e-4 })
  })

  test('a call can leave readouts out', async () => {
    const mean = { layer: 'last', norm: 'after', pool: 'mean' } as const
    const embedder = await Embedder.load(folders.ar, { readouts: { mean, early: { ...mean, layer: 0 } } })
    const { readouts, vectors } = await embedder.embed(items, { readouts: ['mean'] })
    await embedder.close()
    expect(Object.keys(readouts)).toEqual(['mean'])
    expect(vectors.dims).toEqual([3, 24])
  })

  test('the state at an appended mask token', async () => {
    const { vectors } = await embedded(folders.diffusion, items, { readout: { pool: 'mask' } })
    const last = await embedded(folders.diffusion, items, { readout: { pool: 'last' } })
    expect(vectors.data).not.toBeAllClose(last.vectors.data, { atol: 1e-4 })
  })

  test('a layer that is not there is refused', async () => {
    await expect(Embedder.load(folders.ar, { readout: { layer: 9, norm: 'before' } })).rejects.toMatchObject({
      code: 'embedder/layer',
    })
  })
})

describe('an adapter', () => {
  const adapterFor = (module: string, fill: number): Adapter => {
    const adapter = initialAdapter([{ module, inFeatures: 24, outFeatures: 24 }], {
      rank: 2,
      alpha: 4,
      seed: 1,
    })
    for (const { up } of adapter.modules.values()) up.data.fill(fill)
    return adapter
  }
  const module = 'language_model.model.layers.1.self_attn.q_proj'

  test('of zeros changes nothing, another does', async () => {
    const plain = await embedded(folders.ar, items)
    const zero = await embedded(folders.ar, items, { adapter: adapterFor(module, 0) })
    const acting = await embedded(folders.ar, items, { adapter: adapterFor(module, 0.5) })
    expect(zero.vectors.data).toBeAllClose(plain.vectors.data, { atol: 1e-6 })
    expect(acting.vectors.data).not.toBeAllClose(plain.vectors.data, { atol: 1e-4 })
  })

  test('of another model is refused', async () => {
    await expect(
      Embedder.load(folders.ar, { adapter: adapterFor('transformer.h.0.attn', 1) }),
    ).rejects.toMatchObject({
      code: 'checkpoint/adapter-target',
    })
  })
})

describe('a dual encoder', () => {
  test.each<[string, LoadOptions, number]>([
    ['an attention', { attention: 'bidirectional' }, 1],
    ['a layer', { readout: { layer: 0 } }, 1],
    ['a pooling', { readout: { pool: 'mean' } }, 1],
    ['nothing of the kind', { readout: { layer: undefined, pool: undefined } }, 0],
  ])('asked for %s', async (_, options, warnings) => {
    const said: string[] = []
    const embedder = await Embedder.load(folders.tower, { ...options, warn: (message) => said.push(message) })
    await embedder.close()
    expect(said.filter((message) => message.includes('pools by itself'))).toHaveLength(warnings)
  })
})

describe('a contract', () => {
  test('is taken as docs/embedding.md prints it', async () => {
    const page = readFileSync(new URL('../../../docs/embedding.md', import.meta.url), 'utf8')
    const printed = JSON.parse(/```json\n(\{\n[\s\S]*?)```/.exec(page)![1]!)
    const dir = join(root, 'printed')
    mkdirSync(dir)
    writeFileSync(join(dir, 'embedder.json'), JSON.stringify({ ...printed, base: { path: '../twin-ar' } }))
    const { vectors } = await embedded(dir, items)
    expect(vectors.dims).toEqual([items.length, 24])
    // Its own prompt decides, and nothing else than what the page says.
    const { vectors: chat } = await embedded(folders.ar, items, {
      attention: 'bidirectional',
      readout: { pool: 'mean' },
    })
    expect(row(vectors, 0)).not.toEqual(row(chat, 0))
    const keys = [
      'format',
      'base',
      'prompt',
      'image',
      'padding',
      'truncation',
      'attention',
      'readout',
      'normalisation',
      'dtype',
    ]
    for (const key of keys) {
      writeFileSync(join(dir, 'embedder.json'), JSON.stringify({ ...printed, [key]: undefined }))
      await expect(readContract(dir), key).rejects.toMatchObject({ code: 'file/schema' })
    }
  })

  test('survives its file, decides the vectors, and is verified by its golden ones', async () => {
    const dir = join(root, 'tuned')
    const plain = defaultContract(modelOf((await openCheckpoint(folders.ar)).config))
    const golden = {
      items: [{ text: 'a cat' }, { instruction: 'Find', text: 'keys' }],
      vectors: 'golden.safetensors',
      tolerance: 1e-5,
    }
    const contract = {
      ...plain,
      base: { path: '../twin-ar' },
      readout: { ...plain.readout, pool: 'mean' as const, dims: 6 },
      golden,
    }
    await writeContract(dir, contract)
    expect((await readContract(dir))?.contract).toEqual(contract)
    const { vectors } = await embedded(dir, golden.items)
    expect(vectors.dims).toEqual([2, 6])
    await writeSafetensors(join(dir, golden.vectors), { vectors })
    expect((await verifyContract(dir)).failure).toBeUndefined()
    const moved = f32(
      vectors.dims,
      vectors.data.map((value) => value + 1e-3),
    )
    await writeSafetensors(join(dir, golden.vectors), { vectors: moved })
    expect((await verifyContract(dir)).failure).toMatchObject({ stage: 'vector' })
  })

  test('with an unknown key is refused', async () => {
    const dir = join(root, 'unknown-key')
    await writeContract(dir, defaultContract(modelOf((await openCheckpoint(folders.ar)).config)))
    const file = join(dir, 'embedder.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace('"padding"', '"paddings"'))
    await expect(Embedder.load(dir)).rejects.toMatchObject({
      code: 'file/schema',
      message: expect.stringContaining('paddings'),
    })
  })
})
