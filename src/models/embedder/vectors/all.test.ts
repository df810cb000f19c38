/** @file Runs that are stopped end with the bytes of unbroken ones, with an embedder too. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { Counting, filesOf, items, text } from '../../../../test/counting-maker.ts'
import { writeRandomTwins } from '../../../../test/random-twins.ts'
import { InterruptedError } from '../../../foundation/numeric/errors.ts'
import { Embedder } from '../embedder.ts'
import { embedAll } from './all.ts'
import { VectorFolder } from './folder.ts'
import { makerOf, type VectorMaker } from './maker.ts'

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-vectors-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** Accidents between two runs: a stop after so many calls of the maker, and damage to files. */
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
