/**
 * @file An adapter beside the weights of a whole checkpoint: transformers applies it to its base.
 */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { writeRandomTwins } from '../../../test/random-twins.ts'
import { type Adapter, initialAdapter } from '../checkpoint/adapter.ts'
import { writeAdapter } from '../checkpoint/adapter-folder.ts'
import { defaultContract, writeContract } from './contract.ts'
import { Embedder } from './embedder.ts'
import { type LoadOptions, openSubject } from './subject.ts'

let root: string
let base: string
let width: number
let warnings: string[]
const warn = (message: string) => void warnings.push(message)
beforeEach(() => {
  warnings = []
})
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-locate-'))
  const folders = await writeRandomTwins(root)
  base = folders.ar
  const { model } = await openSubject(base)
  width = model.kind === 'dual-encoder' ? 0 : model.shape.hidden
}, 120_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

function adapterOf(baseModel: string | undefined): Adapter {
  const module = 'language_model.layers.0.self_attn.q_proj'
  const adapter = initialAdapter([{ module, inFeatures: width, outFeatures: width }], {
    rank: 2,
    alpha: 4,
    seed: 7,
    ...(baseModel === undefined ? {} : { baseModel }),
  })
  adapter.modules.get(module)!.up.data.fill(0.5)
  return adapter
}

/** A copy of the checkpoint that holds an adapter too. */
async function together(named: string | undefined): Promise<string> {
  const dir = mkdtempSync(join(root, 'together-'))
  cpSync(base, dir, { recursive: true })
  await writeAdapter(dir, adapterOf(named))
  return dir
}

async function vector(dir: string, options: LoadOptions = {}): Promise<Float32Array> {
  const embedder = await Embedder.load(dir, { threads: 1, warn, ...options })
  try {
    return (await embedder.embed([{ text: 'a cat' }])).vectors.data
  } finally {
    await embedder.close()
  }
}

describe('an adapter beside the weights', () => {
  test('is applied to its base, where the base is there', async () => {
    const dir = await together(base)
    expect(await vector(dir)).toEqual(await vector(base, { adapter: adapterOf(base) }))
    expect(warnings[0]).toContain(join(dir, 'adapter_config.json'))
    expect(warnings[0]).toContain('--adapter none')
    expect((await openSubject(dir, { warn })).encoder.checkpoint.dir).toBe(base)
  })

  test.each([
    ['has gone', '/no/such/base'],
    ['has no name', undefined],
    ['is on the hub, which cannot be reached', 'org/name'],
  ])('is applied to the weights beside it, with a warning, where the base %s', async (_, named) => {
    const dir = await together(named)
    expect(await vector(dir)).toEqual(await vector(base, { adapter: adapterOf(base) }))
    expect(warnings[0]).toMatch(/applied to the weights beside it.*--adapter none/)
  })

  test('is left out with none, and applied to the weights beside it where it is named, both without a warning', async () => {
    const dir = await together(base)
    expect(await vector(dir, { adapter: 'none' })).toEqual(await vector(base))
    expect((await openSubject(dir, { adapter: dir, warn })).encoder.checkpoint.dir).toBe(dir)
    expect(await vector(dir, { adapter: dir })).not.toEqual(await vector(base))
    expect(warnings).toEqual([])
  })

  test('is not passed over in silence where another adapter is named', async () => {
    const dir = await together(base)
    await openSubject(dir, { adapter: adapterOf(base), warn })
    expect(warnings).toEqual([expect.stringMatching(/adapter_config\.json: this adapter.*is not applied/)])
  })

  test('is not passed over in silence where a contract names the folder as its base', async () => {
    const dir = mkdtempSync(join(root, 'contract-'))
    const beside = await together(base)
    await writeContract(dir, {
      ...defaultContract((await openSubject(base)).model),
      base: { path: beside },
    })
    await openSubject(dir, { warn })
    expect(warnings).toEqual([expect.stringMatching(/is not applied; --adapter .* applies it/)])
  })
})

test('an adapter beside a contract that does not name it is not passed over in silence', async () => {
  const dir = mkdtempSync(join(root, 'unnamed-'))
  await writeContract(dir, { ...defaultContract((await openSubject(base)).model), base: { path: base } })
  await writeAdapter(dir, adapterOf(base))
  await openSubject(dir, { warn })
  expect(warnings).toEqual([expect.stringContaining(join(dir, 'adapter_config.json'))])
})

test('picture settings of an adapter are told where they differ from those of its base', async () => {
  const dir = mkdtempSync(join(root, 'own-processor-'))
  await writeAdapter(dir, adapterOf(base))
  const file = 'preprocessor_config.json'
  cpSync(join(base, file), join(dir, file))
  await openSubject(dir, { warn })
  expect(warnings).toEqual([])
  writeFileSync(
    join(dir, file),
    JSON.stringify({ ...JSON.parse(readFileSync(join(base, file), 'utf8')), do_rescale: false }),
  )
  await openSubject(dir, { warn })
  expect(warnings).toEqual([expect.stringContaining(`${join(dir, file)} is not read`)])
})

test('an adapter alone, whose base is not there: the error names both', async () => {
  const dir = mkdtempSync(join(root, 'alone-'))
  await writeAdapter(dir, adapterOf('/no/such/base'))
  await expect(openSubject(dir)).rejects.toMatchObject({
    code: 'embedder/base',
    message: expect.stringMatching(/adapter_config\.json names the base model \/no\/such\/base/),
    hint: expect.stringContaining(`--adapter ${dir}`),
  })
})

test('a folder of adapters that have names: the hint names the adapters', async () => {
  const dir = mkdtempSync(join(root, 'named-'))
  await writeAdapter(join(dir, 'vision'), adapterOf(base))
  await expect(openSubject(dir)).rejects.toMatchObject({
    code: 'embedder/no-model',
    hint: expect.stringContaining(join(dir, 'vision')),
  })
  await expect(openSubject(base, { adapter: dir })).rejects.toMatchObject({
    code: 'file/missing',
    hint: expect.stringContaining(join(dir, 'vision')),
  })
})
