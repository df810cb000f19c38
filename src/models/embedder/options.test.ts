import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeRandomTwins } from '../../../test/random-twins.ts'
import { embedFile } from './embed-file.ts'
import { Embedder } from './embedder.ts'

let root: string
let model: string
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-options-'))
  model = (await writeRandomTwins(root)).ar
}, 120_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('a caller without a compiler', () => {
  const load = async (options: unknown) => await Reflect.apply(Embedder.load, Embedder, [model, options])

  test.each([
    [{ attention: 'full' }, /Embedder\.load: attention: .*got "full"/],
    [{ dtype: 'q8' }, /Embedder\.load: dtype: .*got "q8"/],
    [{ threads: 0 }, /Embedder\.load: threads/],
    [{ poll: 'mean' }, /there is no option "poll"/],
    [{ readout: { pool: 'avg' } }, /readout\.pool: .*got "avg"/],
  ])('is told of the option %j', async (options, message) => {
    await expect(load(options)).rejects.toMatchObject({ code: 'usage/option', message })
  })

  test.each([[undefined], [5], ['']])('is told that %j is no model', async (path) => {
    await expect(Reflect.apply(Embedder.load, Embedder, [path])).rejects.toMatchObject({
      code: 'usage/option',
      message: /^Embedder\.load: expected the folder or the name of a model/,
    })
  })

  test.each([
    [undefined, /embedFile: expected an object of options/],
    [{}, /embedFile: out/],
    [{ out: 'a.npy', quantize: 'int4' }, /embedFile: quantize: .*got "int4"/],
    [{ out: 'a.npy', quantise: 'int8' }, /embedFile: there is no option "quantise"/],
  ])('is told of the option %j of a file of vectors', async (options, message) => {
    await using embedder = await Embedder.load(model)
    const source = { name: 'none', total: 0, lines: () => [] }
    await expect(Reflect.apply(embedFile, undefined, [embedder, source, options])).rejects.toMatchObject({
      code: 'usage/option',
      message,
    })
  })

  test('may give texts alone, and is told of a lone item and of what is none', async () => {
    await using embedder = await Embedder.load(model)
    const embed = async (items: unknown, options?: unknown) =>
      await Reflect.apply(embedder.embed, embedder, [items, options])
    const { vectors } = await embedder.embed(['a cat'])
    expect(vectors.data).toEqual((await embedder.embed([{ text: 'a cat' }])).vectors.data)
    await expect(embed('a cat')).rejects.toMatchObject({ code: 'usage/option', message: /got a text/ })
    await expect(embed([{ text: 'a' }, null])).rejects.toMatchObject({ message: /^items\[1\]: .*got null/ })
    await expect(embed([], { dim: 5 })).rejects.toMatchObject({ hint: 'Did you mean "dims"?' })
    const { kept, skipped } = await embed([{ text: 'a' }, { txt: 'b' }], { badItems: 'skip' })
    expect([kept, skipped]).toMatchObject([[0], [{ index: 1, code: 'usage/option' }]])
  })

  test('is interrupted as by the functions of the web: AbortError, the reason kept', async () => {
    await using embedder = await Embedder.load(model)
    const reason = new Error('the user left')
    await expect(embedder.embed(['a cat'], { signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
      name: 'AbortError',
      code: 'interrupted',
      cause: reason,
    })
  })
})
