/** @file A folder of vectors: resumed, damaged, merged. With a maker whose vectors are known. */

import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from '@fast-check/vitest'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { Counting, filesOf, items, numberOf, text } from '../../../../test/counting-maker.ts'
import { f32 } from '../../../foundation/numeric/tensor.ts'
import { loadSafetensors } from '../../checkpoint/safetensors.ts'
import { EmbedderError } from '../errors.ts'
import { embedAll } from './all.ts'
import { VectorFolder } from './folder.ts'
import type { VectorMaker } from './maker.ts'

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-vectors-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('a folder', () => {
  test('embeds equal items once, and gives the same vectors from disk', async () => {
    const maker = new Counting()
    const first = await embedAll(join(dir, 'twice'), maker, [...items, ...items])
    expect(maker.made).toEqual([256, 256, 88])
    const second = await embedAll(join(dir, 'twice'), maker, items)
    expect(maker.made).toHaveLength(3)
    expect(second.resumed).toBe(600)
    for (const { key } of items) expect(second.of('b')(key)).toEqual(first.of('b')(key))
    expect(second.of('a')(items[7]!.key)).toEqual(Float32Array.of(7))
  })

  test('computes what a longer list adds, within its chunk', async () => {
    const maker = new Counting('longer')
    await embedAll(dir, maker, items.slice(0, 300))
    expect((await embedAll(dir, maker, items)).resumed).toBe(300)
    expect(maker.made).toEqual([256, 44, 212, 88])
  })

  test('keeps the vectors of another model, or of other readouts, apart', async () => {
    const maker = new Counting('apart')
    await embedAll(dir, maker, items.slice(0, 3))
    expect((await embedAll(dir, new Counting('other'), items.slice(0, 3))).resumed).toBe(0)
    const one: VectorMaker = { ...maker, readouts: ['a'], embed: (given) => maker.embed(given) }
    expect((await embedAll(dir, one, items.slice(0, 3))).resumed).toBe(0)
  })

  test('keeps the chunks that are done when the run is stopped', async () => {
    const maker = new Counting('stopped')
    const controller = new AbortController()
    const options = { signal: controller.signal, onProgress: () => controller.abort() }
    await expect(embedAll(dir, maker, items, options)).rejects.toMatchObject({ code: 'interrupted' })
    expect((await embedAll(dir, maker, items)).resumed).toBe(256)
    expect(maker.made).toEqual([256, 256, 88])
  })

  test('refuses vectors that were not asked for', async () => {
    const vectors = await embedAll(join(dir, 'three'), new Counting(), items.slice(0, 3))
    for (const [readout, key] of [
      ['a', text('nothing').key],
      ['none', items[1]!.key],
    ] as const)
      expect(() => vectors.of(readout)(key)).toThrow(expect.objectContaining({ code: 'embedder/no-vector' }))
  })

  test.each([
    ['a NaN', f32([2, 1], [1, Number.NaN])],
    ['an infinity', f32([2, 1], [Number.POSITIVE_INFINITY, 1])],
    ['a row too few', f32([1, 1], [1])],
  ])('never holds %s', async (what, a) => {
    const folder = join(dir, what)
    const maker: VectorMaker = {
      id: what,
      hash: what,
      readouts: ['a'],
      embed: async () => ({ vectors: { a } }),
    }
    await expect(embedAll(folder, maker, items.slice(0, 2))).rejects.toMatchObject({ code: 'embedder/store' })
    expect(existsSync(folder)).toBe(false)
  })

  test.each<[string, 'jsonl' | 'safetensors', (content: Buffer) => Buffer]>([
    ['a list without its last lines', 'jsonl', (content) => content.subarray(0, content.indexOf('\n') + 1)],
    ['a list cut within a line', 'jsonl', (content) => content.subarray(0, -5)],
    ['a list of other lines', 'jsonl', () => Buffer.from('{}\n{}\n{}\n')],
    [
      'a list in another order',
      'jsonl',
      (content) => Buffer.from(`${content}`.split('\n').reverse().join('\n')),
    ],
    ['vectors cut short', 'safetensors', (content) => content.subarray(0, -5)],
    [
      'a vector with another bit',
      'safetensors',
      (content) => content.fill(content.at(-1)! ^ 1, content.length - 1),
    ],
    [
      "another model's vectors",
      'safetensors',
      (content) => Buffer.from(content.toString('latin1').replace('"abc"', '"abd"'), 'latin1'),
    ],
  ])('warns once of %s, and computes it again', async (what, ending, spoilt) => {
    const folder = join(dir, what)
    await embedAll(folder, new Counting(), items.slice(0, 3))
    const whole = filesOf(folder)
    const [inner = ''] = readdirSync(folder)
    const file = join(folder, inner, readdirSync(join(folder, inner)).find((name) => name.endsWith(ending))!)
    writeFileSync(file, spoilt(readFileSync(file)))
    const warnings: string[] = []
    const warn = (message: string) => void warnings.push(message)
    // A fourth item makes another chunk, which leaves the damaged files where they are.
    const other = join(dir, `${what}, longer`)
    cpSync(folder, other, { recursive: true })
    for (const resumed of [0, 4])
      expect((await embedAll(other, new Counting(), items.slice(0, 4), { warn })).resumed).toBe(resumed)
    expect(warnings).toEqual([expect.stringContaining(join(other, inner))])
    // The same list makes the same files.
    await embedAll(folder, new Counting(), items.slice(0, 3))
    expect(filesOf(folder)).toEqual(whole)
  })

  test('merges with that of another machine by copying files', async () => {
    const [here, there] = [join(dir, 'here'), join(dir, 'there')]
    await embedAll(here, new Counting(), items.slice(0, 300))
    await embedAll(there, new Counting(), items.slice(200))
    cpSync(there, here, { recursive: true })
    const maker = new Counting()
    const merged = await embedAll(here, maker, items)
    expect(maker.made).toEqual([])
    for (const item of items) expect(merged.of('a')(item.key)).toEqual(Float32Array.of(numberOf(item)))
  })

  test('can be read as plain files: rows of vectors, and a line for each', async () => {
    const folder = join(dir, 'plain')
    await embedAll(folder, new Counting(), items.slice(5, 7))
    const [inner = ''] = readdirSync(folder)
    const [list = '', file = ''] = readdirSync(join(folder, inner)).sort()
    expect(readFileSync(join(folder, inner, list), 'utf8')).toBe(
      [5, 6].map((n) => `${JSON.stringify({ key: items[n]!.key, text: `item ${n}` })}\n`).join(''),
    )
    expect((await loadSafetensors(join(folder, inner, file))).get('b')).toEqual(f32([2, 2], [5, 11, 6, 11]))
  })

  test('takes keys of any length', async () => {
    const folder = await VectorFolder.open(dir, { fingerprint: 'long keys', readouts: ['a'] })
    const key = 'long '.repeat(10_000)
    await folder.put([{ key, vectors: [Float32Array.of(1, 2)] }])
    const again = await VectorFolder.open(dir, { fingerprint: 'long keys', readouts: ['a'] })
    expect(await again.get(key)).toEqual([Float32Array.of(1, 2)])
    expect(await again.get(`${key}x`)).toBeUndefined()
  })
})

test('an error of the maker is the error of the run', async () => {
  const embed = async () => {
    throw new EmbedderError('layer', { message: '', hint: '' })
  }
  const run = embedAll(dir, { id: 'x', hash: 'x', readouts: [], embed }, items)
  await expect(run).rejects.toMatchObject({ code: 'embedder/layer' })
})
