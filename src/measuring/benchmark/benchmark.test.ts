/** @file Tasks, scores and figures, on vectors whose answers are known. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeRandomTwins } from '../../../test/random-twins.ts'
import { keyed } from '../../inputs/data/item.ts'
import type { Task } from '../../inputs/data/task.ts'
import { Embedder } from '../../models/embedder/embedder.ts'
import { captionMaker, captionOf } from './dual-encoder.ts'
import { evaluateTask } from './evaluate.ts'
import { pixels, pixelsApply } from './pixels.ts'
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
  shift: 'in',
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

describe('scores', async () => {
  const scores = await evaluateTask(naming, vectorOf)

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
    expect(scopesOf([naming]).map(({ kind }) => kind)).toEqual(['metaTask', 'shift', 'in-domain', 'all'])
  })

  test.each(['classification', 'vqa', 'retrieval', 'grounding'] as const)(
    '%s has a mean of its own',
    (metaTask) => {
      expect(scopesOf([{ ...naming, metaTask }])).toContainEqual({ kind: 'metaTask', metaTask })
    },
  )

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

  test('where queries are words, candidates change places: the right one is found no more', async () => {
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
    const [plain, shuffled] = [
      await evaluateTask(finding, axis),
      await evaluateTask(withShuffledPictures(finding, 5), axis),
    ]
    expect(plain.rows.every(({ hit1 }) => hit1 === 1)).toBe(true)
    expect(shuffled.rows.every(({ hit1 }) => hit1 === 0)).toBe(true)
  })
})

describe('baselines', () => {
  test('raw pixels find the same picture and refuse words', async () => {
    const { vectors } = await pixels.embed([image(10), image(200), image(12)], {})
    const dot = (i: number, j: number) =>
      Array.from(
        { length: 768 },
        (_, d) => vectors.pixels!.data[i * 768 + d]! * vectors.pixels!.data[j * 768 + d]!,
      ).reduce((a, b) => a + b)
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
    const embedder = await Embedder.load(tower)
    const { vectors } = await (await captionMaker(embedder, 'tower')).embed(
      [text('a cat'), image(9), keyed({ text: 'a cat', image: shade(9) })],
      {},
    )
    await embedder.close()
    const { dims, data } = vectors.vector!
    const dim = dims[1]!
    const row = (i: number) => Array.from(data.subarray(i * dim, (i + 1) * dim))
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
