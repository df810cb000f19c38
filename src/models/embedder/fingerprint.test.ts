/** @file Fingerprints: all that decides a vector counts, and nothing else. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeRandomTwins } from '../../../test/random-twins.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { type Adapter, initialAdapter } from '../checkpoint/adapter.ts'
import { openCheckpoint } from '../checkpoint/folder.ts'
import { Embedder } from './embedder.ts'
import type { LoadOptions } from './subject.ts'

let root: string
let model: string
let fresh: Adapter
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-fingerprint-'))
  model = (await writeRandomTwins(root)).ar
  const layers = [...(await openCheckpoint(model)).tensors.values()]
    .filter(({ name }) => /[qv]_proj\.weight$/.test(name))
    .map(({ name, dims: [outFeatures = 0, inFeatures = 0] }) => ({
      module: name.replace(/\.weight$/, ''),
      inFeatures,
      outFeatures,
    }))
  fresh = initialAdapter(layers, { rank: 2, alpha: 4, seed: 1 })
}, 120_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function fingerprint(options: LoadOptions): Promise<string> {
  const embedder = await Embedder.load(model, options)
  try {
    return await embedder.fingerprint()
  } finally {
    await embedder.close()
  }
}

/** The adapter with its first module changed. */
function changed(change: (update: ReturnType<typeof first>) => object): Adapter {
  const [name] = [...fresh.modules][0]!
  return { ...fresh, modules: new Map([...fresh.modules, [name, { ...first(), ...change(first()) }]]) }
}
const first = () => [...fresh.modules.values()][0]!

test('every array and scale of an adapter in memory counts', async () => {
  const last = ({ up }: ReturnType<typeof first>) => {
    const data = Float32Array.from(up.data)
    data[data.length - 1] = 1e-3
    return { up: f32(up.dims, data) }
  }
  const { name: norm, dims: normDims } = [...(await openCheckpoint(model)).tensors.values()].find(
    ({ name }) => name.endsWith('norm.weight'),
  )!
  const adapters = [
    undefined,
    fresh,
    changed(last),
    changed(() => ({ scale: 3 })),
    changed(({ up }) => ({ magnitude: f32([up.dims[0]!], new Float32Array(up.dims[0]!).fill(1)) })),
    { ...fresh, replaced: new Map([[norm, f32(normDims, new Float32Array(normDims[0]!).fill(2))]]) },
    { ...fresh, modules: new Map([...fresh.modules].slice(1)) },
  ]
  const all = await Promise.all(adapters.map((adapter) => fingerprint({ adapter })))
  expect(new Set(all).size).toBe(adapters.length)
  expect(all.every((value) => /^[0-9a-f]{64}$/.test(value))).toBe(true)
})

test('a copy of an adapter has its fingerprint', async () => {
  const copy = structuredClone(fresh)
  expect(await fingerprint({ adapter: copy })).toBe(await fingerprint({ adapter: fresh }))
})

test('the mode of an adapter in memory counts', async () => {
  const merged = fingerprint({ adapter: fresh, adapterMode: 'merged' })
  expect(await merged).not.toBe(await fingerprint({ adapter: fresh }))
})

test('further readouts count', async () => {
  const mean = (dims: number) => ({ mean: { layer: 'last', norm: 'after', pool: 'mean', dims } }) as const
  const all = [{}, { readouts: mean(8) }, { readouts: mean(9) }].map(fingerprint)
  expect(new Set(await Promise.all(all)).size).toBe(3)
})
