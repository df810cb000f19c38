/** @file A folder of vectors: resumed, damaged, merged. With a maker whose vectors are known, and with an embedder. */

import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { writeRandomTwins } from '../../../../test/random-twins.ts'
import { InterruptedError } from '../../../foundation/numeric/errors.ts'
import { f32 } from '../../../foundation/numeric/tensor.ts'
import { type KeyedItem, keyed } from '../../../inputs/data/item.ts'
import { loadSafetensors } from '../../checkpoint/safetensors.ts'
import { Embedder } from '../embedder.ts'
import { EmbedderError } from '../errors.ts'
import { embedAll, makerOf, type VectorMaker } from './all.ts'
import { VectorFolder } from './folder.ts'

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-vectors-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const text = (word: string): KeyedItem => keyed({ text: word })
const items = Array.from({ length: 600 }, (_, i) => text(`item ${i}`))
const numberOf = ({ text: words = '' }: KeyedItem) => Number(words.slice(5))

/** Gives item n the vectors [n] and [n, sum of all n that came with it]: company shows. */
class Counting implements VectorMaker {
  readonly id = 'counting'
  readonly readouts = ['a', 'b']
  readonly made: number[] = []
  readonly hash: string

  constructor(hash = 'abc') {
    this.hash = hash
  }

  async embed(given: readonly KeyedItem[]) {
    this.made.push(given.length)
    const numbers = given.map(numberOf)
    const sum = numbers.reduce((a, b) => a + b, 0)
    const pairs = numbers.flatMap((n) => [n, sum])
    return { vectors: { a: f32([given.length, 1], numbers), b: f32([given.length, 2], pairs) } }
  }
}

/** Path below the folder → content, of every file. */
function filesOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.\w+$/.test(name),
  )
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(join(folder, name), 'base64')]))
}

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

/** What happens between two runs: a stop after so many calls of the maker, and damage to files. */
const accidents = fc.array(
  fc.record({
    calls: fc.nat({ max: 3 }),
    damage: fc.constantFrom('none', 'no list', 'no vectors', 'cut', 'bit'),
    file: fc.nat(),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  { maxLength: 5 },
)

interface Damage {
  damage: string
  file: number
  at: number
}

function spoil(folder: string, { damage, file, at }: Damage): void {
  const ending = damage === 'no list' ? 'jsonl' : 'safetensors'
  const names = !existsSync(folder)
    ? []
    : Object.keys(filesOf(folder)).filter((name) => name.endsWith(ending))
  const name = names[file % Math.max(1, names.length)]
  if (name === undefined || damage === 'none') return
  const path = join(folder, name)
  const bytes = readFileSync(path)
  rmSync(path)
  if (damage.startsWith('no ')) return
  const place = Math.floor(at * (bytes.length - 1))
  // The last 80 bytes are vectors: a bit of the header may be one that nobody reads.
  bytes[bytes.length - 1 - (place % 80)]! ^= 4
  writeFileSync(path, damage === 'cut' ? bytes.subarray(0, place) : bytes)
}

test.prop([accidents], { numRuns: 40 })(
  'however often a run is stopped and its files are damaged, it ends with the bytes of an unbroken one',
  async (list) => {
    const folders = [mkdtempSync(join(dir, 'unbroken-')), mkdtempSync(join(dir, 'broken-'))] as const
    // Two lists that share items, one after the other, as a study has them.
    const lists = [items.slice(0, 520), items.slice(300)]
    for (const part of lists) await embedAll(folders[0], new Counting(), part)
    const broken = new Counting()
    for (const part of lists) {
      for (const accident of list) {
        let calls = 0
        const stopping: VectorMaker = {
          ...broken,
          embed: async (given) => {
            if (calls++ >= accident.calls) throw new InterruptedError('a run')
            return await broken.embed(given)
          },
        }
        await embedAll(folders[1], stopping, part).catch((error: unknown) => {
          if (!(error instanceof InterruptedError)) throw error
        })
        if (part === lists[0]) spoil(folders[1], accident)
      }
      await embedAll(folders[1], broken, part)
    }
    expect(filesOf(folders[1])).toEqual(filesOf(folders[0]))
  },
)

describe('an embedder', () => {
  const words = Array.from({ length: 300 }, (_, i) => text(`a cat and ${i} keys ${'on red '.repeat(i % 5)}`))
  const readouts = {
    mean: { layer: 'last', norm: 'after', pool: 'mean' },
    first: { layer: 0, norm: 'before', pool: 'last' },
  } as const
  let model = ''
  beforeAll(async () => {
    model = (await writeRandomTwins(join(dir, 'twins'))).ar
  }, 120_000)

  async function run(folder: string, given = words, options: Parameters<typeof embedAll>[3] = {}) {
    const embedder = await Embedder.load(model, { readouts, threads: 1, tokenBudget: 256 })
    try {
      return await embedAll(folder, await makerOf(embedder, { id: 'twin' }), given, options)
    } finally {
      await embedder.close()
    }
  }

  test.prop([fc.array(fc.nat({ max: 299 }), { minLength: 1, maxLength: 3 })], { numRuns: 3 })(
    'stopped at any batch gives the bytes of an unbroken run, for every readout',
    async (stops) => {
      const whole = join(dir, 'whole')
      if (!existsSync(whole)) await run(whole)
      const folder = mkdtempSync(join(dir, 'stopped-'))
      for (const stop of stops) {
        const controller = new AbortController()
        const onProgress = ({ done }: { done: number }) => {
          if (done > stop) controller.abort()
        }
        await run(folder, words, { signal: controller.signal, onProgress }).catch((error: unknown) => {
          if (!(error instanceof InterruptedError)) throw error
        })
      }
      const { of } = await run(folder)
      expect(filesOf(folder)).toEqual(filesOf(whole))
      expect(of('vector')(words[0]!.key)).toHaveLength(24)
      expect(of('mean')(words[0]!.key)).not.toEqual(of('first')(words[0]!.key))
    },
    120_000,
  )

  test('tells of bad items again and again, and keeps the others', async () => {
    const bad = Array.from({ length: 10 }, (_, i) => text(`${i} ${'keys '.repeat(400)}`))
    const folder = join(dir, 'bad')
    for (const resumed of [0, 20]) {
      const made = await run(folder, [...bad, ...words.slice(0, 20)], { badItems: 'skip' })
      expect(made.resumed).toBe(resumed)
      expect(made.skipped.map(({ key }) => key)).toEqual(bad.map(({ key }) => key))
      expect(made.skipped[0]).toMatchObject({ code: 'family/too-long', hint: expect.any(String) })
    }
    await expect(run(folder, bad)).rejects.toMatchObject({ code: 'family/too-long' })
    expect((await VectorFolder.open(folder, { fingerprint: 'x', readouts: [] })).size).toBe(0)
  })

  test('refuses a store of other readouts', async () => {
    const embedder = await Embedder.load(model, { readouts })
    const store = await VectorFolder.open(dir, { fingerprint: 'x', readouts: ['vector'] })
    const refused = embedder.embed([{ text: 'a cat' }], { store })
    await expect(refused).rejects.toMatchObject({ code: 'usage/arguments' })
    await embedder.close()
    const taken = Embedder.load(model, { readouts: { vector: readouts.mean } })
    await expect(taken).rejects.toMatchObject({ code: 'usage/arguments' })
  })

  test('keeps all readouts in a store, and takes all from it', async () => {
    const embedder = await Embedder.load(model, { readouts })
    const options = { fingerprint: 'direct', readouts: embedder.readouts }
    const given = [{ text: 'a cat' }, { text: 'keys' }]
    const made = await embedder.embed(given, { store: await VectorFolder.open(dir, options) })
    const again = await embedder.embed(given, { store: await VectorFolder.open(dir, options) })
    await embedder.close()
    expect(made.usage.tokens).toBeGreaterThan(0)
    expect(again).toEqual({ ...made, usage: { ...made.usage, tokens: 0 } })
  })
})

test('an error of the maker is the error of the run', async () => {
  const embed = async () => {
    throw new EmbedderError('layer', { message: '', hint: '' })
  }
  const run = embedAll(dir, { id: 'x', hash: 'x', readouts: [], embed }, items)
  await expect(run).rejects.toMatchObject({ code: 'embedder/layer' })
})
