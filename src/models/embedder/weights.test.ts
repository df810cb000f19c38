/** @file Weights that are fewer or more than the config asks for, NaN, or zeros. */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { embedded, items } from '../../../test/embedded.ts'
import { writeRandomTwins } from '../../../test/random-twins.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { f32, sizeOf } from '../../foundation/numeric/tensor.ts'
import { loadTokenizer } from '../../inputs/text/tokenizer.ts'
import { loadSafetensors, writeSafetensors } from '../checkpoint/safetensors.ts'
import { Embedder } from './embedder.ts'

let root: string
let folders: Awaited<ReturnType<typeof writeRandomTwins>>
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-embedder-'))
  folders = await writeRandomTwins(root)
}, 120_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

test('a config with fewer layers than the weights is told once', async () => {
  const dir = join(root, 'fewer-layers')
  cpSync(folders.ar, dir, { recursive: true })
  const file = join(dir, 'config.json')
  const config = JSON.parse(readFileSync(file, 'utf8'))
  writeFileSync(
    file,
    JSON.stringify({ ...config, text_config: { ...config.text_config, num_hidden_layers: 1 } }),
  )
  const warnings: string[] = []
  const warn = (message: string) => void warnings.push(message)
  await embedded(folders.ar, [{ text: 'a cat' }], { warn })
  await embedded(folders.diffusion, [{ text: 'a cat' }], { warn })
  expect(warnings).toEqual([])
  await embedded(dir, [{ text: 'a cat' }], { warn })
  expect(warnings).toEqual([
    expect.stringMatching(/fewer-layers: the weights hold 2 layers of the decoder, config\.json asks for 1/),
  ])
})

test('a NaN among the weights is found in the outputs', async () => {
  const dir = join(root, 'nan')
  cpSync(folders.ar, dir, { recursive: true })
  const tensors = Object.fromEntries(await loadSafetensors(join(dir, 'model.safetensors')))
  const [name = ''] = Object.keys(tensors).filter((key) => key.endsWith('layers.0.self_attn.q_proj.weight'))
  const weight = toF32(tensors[name]!)
  weight.data[0] = Number.NaN
  await writeSafetensors(join(dir, 'model.safetensors'), { ...tensors, [name]: weight })
  await expect(embedded(dir, items)).rejects.toMatchObject({ code: 'runtime/not-finite' })
})

test.each(['ar', 'tower'] as const)('zeros for weights give no vectors: %s', async (name) => {
  const dir = join(root, `zeros-${name}`)
  cpSync(folders[name], dir, { recursive: true })
  const tensors = await loadSafetensors(join(dir, 'model.safetensors'))
  const zeros = [...tensors].map(
    ([name, { dims }]) => [name, f32(dims, new Float32Array(sizeOf(dims)))] as const,
  )
  await writeSafetensors(join(dir, 'model.safetensors'), Object.fromEntries(zeros))
  await expect(embedded(dir, [{ text: 'a cat' }])).rejects.toMatchObject({
    code: 'runtime/not-finite',
    hint: expect.stringContaining('zeros'),
  })
})

test('an item that gives a NaN is skipped alone', async () => {
  const dir = join(root, 'one-nan')
  cpSync(folders.ar, dir, { recursive: true })
  const tensors = Object.fromEntries(await loadSafetensors(join(dir, 'model.safetensors')))
  const [name = ''] = Object.keys(tensors).filter((key) => key.endsWith('embed_tokens.weight'))
  const table = toF32(tensors[name]!)
  const tokenizer = await loadTokenizer(dir)
  const [poisoned = 0] = tokenizer.encode('?').slice(-1)
  table.data[poisoned * table.dims[1]!] = Number.NaN
  await writeSafetensors(join(dir, 'model.safetensors'), { ...tensors, [name]: table })
  const embedder = await Embedder.load(dir)
  const given = [
    { text: 'a cat' },
    { text: 'keys?' },
    { text: 'keys' },
    { text: 'keys?' },
    { text: 'an apple' },
  ]
  const { kept, skipped, vectors } = await embedder.embed(given, { badItems: 'skip' })
  await embedder.close()
  expect(kept).toEqual([0, 2, 4])
  expect(vectors.data.every(Number.isFinite)).toBe(true)
  expect(skipped).toMatchObject([
    { index: 1, code: 'runtime/not-finite' },
    { index: 3, code: 'runtime/not-finite' },
  ])
  // Without one finite vector it is not the items.
  const broken = [{ text: 'keys?' }, { text: 'a cat, keys?' }]
  const again = await Embedder.load(dir)
  await expect(again.embed(broken, { badItems: 'skip' })).rejects.toMatchObject({
    code: 'runtime/not-finite',
  })
  const [lone] = (await again.embed(broken.slice(0, 1), { badItems: 'skip' })).skipped
  expect(lone).toMatchObject({ index: 0, code: 'runtime/not-finite' })
  await again.close()
  // One batch for each: the longest run before the NaN, and no more than once.
  const small = await Embedder.load(dir, { tokenBudget: 1 })
  const longest = { text: 'an apple on a red background, and a cat, and keys' }
  const puts: number[] = []
  const store = {
    readouts: small.readouts,
    get: async () => undefined,
    put: async (entries: readonly unknown[]) => void puts.push(entries.length),
  }
  const apart = await small.embed([...given, longest], { badItems: 'skip', store })
  await small.close()
  expect(apart.kept).toEqual([0, 2, 4, 5])
  expect(puts).toEqual([1, 1, 1, 1])
  expect(apart.vectors.data.subarray(0, vectors.data.length)).toBeAllClose(vectors.data, { atol: 2e-6 })
  const strict = await Embedder.load(dir)
  const lengths = [
    [{ text: 'a cat' }, { text: 'keys?' }, { text: 'an apple on a red background, and keys?' }],
    [{ text: 'a cat' }, { text: 'an apple on a red background, and keys?' }, { text: 'keys?' }],
  ]
  // The longest runs first; the first by position is named.
  for (const items of lengths) {
    const placeOf = (index: number) => `item ${index}`
    await expect(strict.embed(items, { placeOf })).rejects.toMatchObject({
      code: 'runtime/not-finite',
      message: expect.stringMatching(/^item 1: output/),
    })
  }
  await strict.close()
})
