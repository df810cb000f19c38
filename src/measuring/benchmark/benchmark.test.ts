/** @file Tasks, stored vectors, scores and figures, on vectors whose answers are known. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeRandomTwins } from '../../../test/random-twins.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { keyed } from '../../inputs/data/item.ts'
import type { Task } from '../../inputs/data/task.ts'
import { captionOf, dualEncoder } from './dual-encoder.ts'
import { evaluateTask } from './evaluate.ts'
import type { EmbeddingModel } from './model.ts'
import { pixels, pixelsApply } from './pixels.ts'
import { embedAll } from './store.ts'
import { apartScore, differenceOver, meanOver, scopesOf, summariseTask } from './summary.ts'
import { itemsOf, majorityOf, withShuffledPictures } from './task.ts'

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-benchmark-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const shade = (level: number) => ({
  key: `shade ${level}`,
  read: () => ({
    width: 32,
    height: 32,
    data: Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => (i < 1536 ? level : 255 - level)),
  }),
})
const text = (word: string) => keyed({ text: word })
const image = (level: number, instruction?: string) => keyed({ instruction, image: shade(level) })

/** Row `i` asks for the word of picture `i`; all rows choose among all words. */
const words = ['zero', 'one', 'two', 'three']
const naming: Task = {
  name: 'naming',
  metaTask: 'classification',
  domain: 'in',
  rung: 'in',
  reason: 'a test',
  chance: 0.25,
  train: [],
  dev: [],
  test: words.map((word, i) => ({
    id: `row ${i}`,
    query: image(10 * i, 'Name it'),
    candidates: [text(word), ...words.filter((other) => other !== word).map(text)],
    positive: 0,
    cluster: word,
    hardIndex: 1,
  })),
}

/** Unit vectors by key: pictures point to their words, but picture 3 to word 0. */
const axes = new Map([
  ...words.map((word, i) => [text(word).key, i] as const),
  ...words.map((_, i) => [image(10 * i, 'Name it').key, i % 3] as const),
])
const vectorOf = (key: string) => Float32Array.from(words, (_, i) => Number(i === axes.get(key)))

describe('scores', () => {
  const scores = evaluateTask(naming, vectorOf)

  test('rows: hit, the nearest wrong candidate, the hard one apart', () => {
    expect(scores.rows.map(({ hit1 }) => hit1)).toEqual([1, 1, 1, 0])
    expect(scores.rows[3]).toMatchObject({ best: 1, scoreGap: 1, apart: 0 })
  })

  test('figures with intervals', () => {
    const options = { seed: 1, resamples: 200 }
    expect(summariseTask(scores, options).hit1.value).toBe(0.75)
    expect(apartScore(scores, options)!.value).toBe(0.75)
    expect(
      apartScore({ task: 'x', rows: scores.rows.map(({ apart: _, ...row }) => row) }, options),
    ).toBeUndefined()
    const [good, bad] = [
      { model: 'good', tasks: [scores] },
      { model: 'bad', tasks: [{ task: 'naming', rows: scores.rows.map((row) => ({ ...row, hit1: 0 })) }] },
    ]
    expect(differenceOver(good, bad, { kind: 'in-domain' }, [naming], options)!.value).toBe(0.75)
    expect(meanOver(good, { kind: 'metaTask', metaTask: 'vqa' }, [naming], options)).toBeUndefined()
    const other = { ...naming, name: 'other' }
    expect(meanOver(good, { kind: 'all' }, [naming, other], options)).toBeUndefined()
    expect(scopesOf([naming]).map(({ kind }) => kind)).toEqual(['metaTask', 'rung', 'in-domain', 'all'])
  })

  test('majority is the share of the commonest answer, and means nothing in retrieval', () => {
    const twice = { ...naming, test: [...naming.test, naming.test[0]!] }
    expect(majorityOf(twice)).toBe(2 / 5)
    expect(majorityOf({ ...naming, metaTask: 'retrieval' })).toBeNull()
  })
})

describe('shuffled pictures', () => {
  test('every query has the picture of another one, all pictures are used, words stay', () => {
    const shuffled = withShuffledPictures(naming, 5)
    const pictures = shuffled.test.map(({ query }) => query.image?.[0]?.key)
    for (const [i, { query }] of naming.test.entries()) expect(pictures[i]).not.toBe(query.image?.[0]?.key)
    expect([...pictures].sort()).toEqual(naming.test.map(({ query }) => query.image?.[0]?.key).sort())
    // One instruction for all: these items were embedded before.
    expect(shuffled.test.map(({ query }) => query.key).sort()).toEqual(
      naming.test.map(({ query }) => query.key).sort(),
    )
  })

  test('where queries are words, candidates change places: the right one is found no more', () => {
    const finding: Task = {
      ...naming,
      test: words.map((word, i) => ({
        id: word,
        query: text(word),
        candidates: [
          image(10 * i),
          ...[0, 10, 20, 30].filter((level) => level !== 10 * i).map((level) => image(level)),
        ],
        positive: 0,
        cluster: word,
      })),
    }
    const axis = (key: string) =>
      Float32Array.from(words, (word, i) => Number([text(word), image(10 * i)].some((at) => at.key === key)))
    expect(evaluateTask(finding, axis).rows.every(({ hit1 }) => hit1 === 1)).toBe(true)
    expect(evaluateTask(withShuffledPictures(finding, 5), axis).rows.every(({ hit1 }) => hit1 === 0)).toBe(
      true,
    )
  })
})

describe('store', () => {
  const items = Array.from({ length: 600 }, (_, i) => text(`item ${i}`))
  const made: number[] = []
  const model: EmbeddingModel = {
    id: 'counting',
    hash: 'abc',
    readouts: ['a', 'b'],
    async embed(chunk) {
      made.push(chunk.length)
      const numbers = chunk.map(({ text: word = '' }) => Number(word.slice(5)))
      return {
        a: f32([chunk.length, 1], numbers),
        b: f32(
          [chunk.length, 2],
          numbers.flatMap((n) => [n, -n]),
        ),
      }
    },
  }

  test('equal items once, each vector from disk the second time, the same numbers', async () => {
    const first = await embedAll(dir, model, [...items, ...items])
    expect(made).toEqual([256, 256, 88])
    const second = await embedAll(dir, model, items)
    expect(made).toHaveLength(3)
    expect(second.resumed).toBe(600)
    for (const { key } of [items[0]!, items[599]!]) expect(second.of('b')(key)).toEqual(first.of('b')(key))
    expect(second.of('b')(items[7]!.key)).toEqual(Float32Array.of(7, -7))
  })

  test('another model has vectors of its own', async () => {
    made.length = 0
    await embedAll(dir, { ...model, hash: 'abd' }, items.slice(0, 3))
    expect(made).toEqual([3])
  })

  test('a stop keeps the chunks that are done', async () => {
    made.length = 0
    const controller = new AbortController()
    const stopped = { ...model, hash: 'stopped' }
    await expect(
      embedAll(dir, stopped, items, { signal: controller.signal, onProgress: () => controller.abort() }),
    ).rejects.toMatchObject({
      code: 'interrupted',
    })
    expect((await embedAll(dir, stopped, items)).resumed).toBe(256)
    expect(made).toEqual([256, 256, 88])
  })

  test('vectors that were not asked for are refused', async () => {
    const vectors = await embedAll(join(dir, 'three'), model, items.slice(0, 3))
    expect(() => vectors.of('a')(text('nothing').key)).toThrow(
      expect.objectContaining({ code: 'benchmark/no-vector' }),
    )
  })

  test.each<[string, 'jsonl' | 'safetensors', (content: Buffer) => Buffer]>([
    ['a list without its last lines', 'jsonl', (content) => content.subarray(0, content.indexOf('\n') + 1)],
    ['a list cut within a line', 'jsonl', (content) => content.subarray(0, -5)],
    ['a list of other lines', 'jsonl', () => Buffer.from('{}\n{}\n{}\n')],
    ['vectors cut short', 'safetensors', (content) => content.subarray(0, -5)],
  ])('%s: told once, computed again', async (what, ending, spoilt) => {
    const folder = join(dir, what)
    await embedAll(folder, model, items.slice(0, 3))
    const [inner = ''] = readdirSync(folder)
    const file = join(folder, inner, readdirSync(join(folder, inner)).find((name) => name.endsWith(ending))!)
    writeFileSync(file, spoilt(readFileSync(file)))
    const warnings: string[] = []
    const warn = (message: string) => void warnings.push(message)
    // Another item makes another chunk, which leaves the damaged files where they are.
    for (const resumed of [0, 4])
      expect((await embedAll(folder, model, items.slice(0, 4), { warn })).resumed).toBe(resumed)
    expect(warnings).toEqual([expect.stringContaining(join(folder, inner))])
  })
})

describe('baselines', () => {
  test('raw pixels find the same picture and refuse words', async () => {
    const { pixels: vectors } = await pixels.embed([image(10), image(200), image(12)], {})
    const dot = (i: number, j: number) =>
      Array.from({ length: 768 }, (_, d) => vectors!.data[i * 768 + d]! * vectors!.data[j * 768 + d]!).reduce(
        (a, b) => a + b,
      )
    expect(dot(0, 2)).toBeGreaterThan(0.99)
    expect(dot(0, 1)).toBeLessThan(0)
    await expect(pixels.embed([text('a')], {})).rejects.toMatchObject({ code: 'benchmark/vectors' })
    expect(pixelsApply(naming)).toBe(false)
  })

  test.each([
    [
      'a caption after the colon',
      { instruction: 'Find me an image that matches the given caption: a cat' },
      'a cat',
    ],
    [
      'a question beside a picture',
      { instruction: 'Represent … question: What is it?', image: shade(1) },
      'What is it?',
    ],
    [
      'an instruction beside a picture says nothing',
      { instruction: 'Identify the object', image: shade(1) },
      undefined,
    ],
    ['a text', { text: 'ratio 3: 4' }, 'ratio 3: 4'],
  ])('words for a text tower: %s', (_, item, words) => expect(captionOf(item)).toBe(words))

  test('a dual encoder sums picture and words', async () => {
    const { tower } = await writeRandomTwins(join(dir, 'twins'))
    const encoder = await dualEncoder({ id: 'tower', dir: tower })
    const { vector } = await encoder.embed(
      [text('a cat'), image(9), keyed({ text: 'a cat', image: shade(9) })],
      {},
    )
    await encoder.close()
    const dim = vector!.dims[1]!
    const row = (i: number) => Array.from(vector!.data.subarray(i * dim, (i + 1) * dim))
    const sum = row(0).map((value, d) => value + row(1)[d]!)
    const length = Math.hypot(...sum)
    expect(row(2)).toBeAllClose(
      sum.map((value) => value / length),
      { atol: 1e-5 },
    )
  })

  test('items of tasks: queries and candidates', () => {
    expect(new Set(itemsOf([naming], 'test').map(({ key }) => key)).size).toBe(8)
  })
})
