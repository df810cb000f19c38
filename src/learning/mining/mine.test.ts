import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openFile, pairFile } from '../../../test/pair-files.ts'
import { writeRandomTwins } from '../../../test/random-twins.ts'
import { smallPicture } from '../../../test/small-picture.ts'
import { zipOf } from '../../../test/zip-files.ts'
import { dot } from '../../foundation/numeric/linear.ts'
import { blockOf } from '../../foundation/numeric/rows.ts'
import { Embedder } from '../../models/embedder/embedder.ts'
import { mineFile } from './mine.ts'
import type { MineOptions } from './options.ts'

const dir = mkdtempSync(join(tmpdir(), 'bifocal-mine-'))
let embedder: Embedder
beforeAll(async () => {
  embedder = await Embedder.load((await writeRandomTwins(join(dir, 'twins'))).ar, { preset: 'none' })
})
afterAll(async () => {
  await embedder.close()
  rmSync(dir, { recursive: true, force: true })
})

const item = z.union([
  z.string(),
  z.object({ text: z.string().optional(), instruction: z.string().optional(), image: z.string().optional() }),
])
const line = z.strictObject({
  query: item,
  target: item,
  negatives: z.array(item).optional(),
  target_score: z.number().optional(),
  negative_scores: z.array(z.number()).optional(),
})

let runs = 0
/** Mines a file of rows; gives its figures and its lines. */
async function mined(rows: readonly (object | string)[], options: Partial<MineOptions> = {}) {
  const folder = join(dir, `run-${runs++}`)
  const out = join(folder, 'mined.jsonl')
  const path = pairFile(rows)
  const made = await mineFile(embedder, { path }, { out, relativeMargin: null, ...options })
  const lines = readFileSync(made.out, 'utf8').trim().split('\n')
  return { made, out: made.out, path, lines: lines.map((text) => line.parse(JSON.parse(text))) }
}

const animals = ['cat', 'dog', 'horse', 'red apple', 'blue key', 'six keys', 'a caption', 'green object']
const rows = animals.map((name, i) => ({ query: `where is the ${name}? ${i}`, target: `a ${name}` }))

/** Cosines of each query with each target. */
async function cosines(queries: readonly string[], targets: readonly string[]) {
  const { vectors } = await embedder.embed([...queries, ...targets].map((text) => ({ text })))
  return queries.map((_, q) =>
    targets.map((_, t) => dot(blockOf(vectors, q).data, blockOf(vectors, queries.length + t).data)),
  )
}

describe('negatives', () => {
  test('are the nearest targets of other queries, in the order of their similarity', async () => {
    const { made, lines } = await mined(rows, { negatives: 3 })
    const targets = rows.map(({ target }) => target)
    const all = await cosines(
      rows.map(({ query }) => query),
      targets,
    )
    for (const [q, found] of lines.entries()) {
      const order = [...targets.keys()].filter((t) => t !== q).sort((a, b) => all[q]![b]! - all[q]![a]!)
      expect(found.negatives).toEqual(order.slice(0, 3).map((t) => targets[t]))
      expect(found.target_score).toBeCloseTo(all[q]![q]!, 4)
      expect(found.negative_scores?.[0]).toBeCloseTo(all[q]![order[0]!]!, 4)
    }
    expect(made).toMatchObject({ pairs: 8, queries: 8, targets: 8, negatives: 24, short: 0, without: 0 })
  })

  test('are never a target of the same query, nor what looks the same as one, nor the query', async () => {
    const given = [
      { query: 'a cat', target: 'the cat' },
      { query: 'a cat', target: 'one cat' },
      { query: 'a dog', target: { text: 'the cat', instruction: 'Find me' } },
      { query: 'a horse', target: 'a cat' },
      { query: 'a key', target: 'the key' },
    ]
    const { lines } = await mined(given, { negatives: 1, to: 9 })
    const wrong = lines.map(({ negatives = [] }) => negatives.map((one) => JSON.stringify(one)))
    for (const at of [0, 1])
      for (const cat of ['the cat', 'one cat', 'a cat']) expect(wrong[at]?.join()).not.toContain(cat)
    // For the dog's query, the cat's other target is wrong, but its own words are not.
    expect(wrong[2]?.join()).not.toContain('the cat')
    const every = await mined(given, { negatives: 9 })
    expect(every.lines[0]?.negatives).toEqual(['the key'])
    expect(every.lines[4]?.negatives?.length).toBe(4)
    expect(every.made).toMatchObject({ queries: 4, targets: 5, short: 5, without: 0 })
  })

  test('that the file has already stay in front, are not found again, and leave out the scores', async () => {
    const given = rows.map((row, i) => (i === 0 ? { ...row, negatives: ['a dog', 'own words'] } : row))
    const { lines } = await mined(given, { negatives: 7 })
    expect(lines[0]?.negatives?.slice(0, 2)).toEqual(['a dog', 'own words'])
    expect(lines[0]?.negatives?.filter((one) => one === 'a dog').length).toBe(1)
    expect(lines[0]?.negatives?.length).toBe(8)
    expect(lines[0]?.negative_scores).toBeUndefined()
    expect(lines[1]?.negative_scores?.length).toBe(7)
  })

  test('nearer to the query than the own target are left out by a margin', async () => {
    const { lines } = await mined(rows, { relativeMargin: 0.0005, negatives: 7 })
    const taken = lines.flatMap(({ negative_scores: scores = [] }) => scores)
    expect([taken.length > 0, taken.length < 7 * rows.length]).toEqual([true, true])
    for (const { target_score: own = 0, negative_scores: scores = [] } of lines)
      for (const score of scores) expect(score).toBeLessThanOrEqual(own - 0.0005 * Math.abs(own) + 1e-6)
  })
})

describe('the written file', () => {
  test('is read as pairs again, pictures relative to its own folder', async () => {
    const path = pairFile([
      { query: { text: 'a cat', instruction: 'Find' }, target: { image: 'cat.bmp' } },
      { query: 'a dog', target: { text: 'with words', image: 'dog.bmp' } },
      { query: 'keys', target: 'six keys' },
    ])
    writeFileSync(join(path, '..', 'cat.bmp'), smallPicture(1))
    writeFileSync(join(path, '..', 'dog.bmp'), smallPicture(2))
    const out = join(dir, 'pictures', 'deep', 'mined.jsonl')
    await mineFile(embedder, { path }, { out, negatives: 2, relativeMargin: null })
    const source = await openFile(out)
    const [first] = await Promise.all([0, 1, 2].map((row) => source.read(row)))
    const before = await openFile(path)
    const original = await before.read(0)
    await before.close()
    expect(first).toMatchObject({ query: { key: original.query.key }, target: { key: original.target.key } })
    expect(first?.negatives.length).toBe(2)
    expect(first?.teacher?.negatives.length).toBe(2)
    await source.close()
  })

  test('pictures of a zip archive get files of their own, the same bytes', async () => {
    const path = pairFile([
      { query: 'a cat', target: { image: 'a/cat.bmp' } },
      { query: 'a dog', target: { image: 'a/dog.bmp' } },
    ])
    const images = join(path, '..', 'images.zip')
    const members = ['cat', 'dog'].map((name, i) => ({ name: `a/${name}.bmp`, bytes: smallPicture(i + 1) }))
    writeFileSync(images, zipOf(members))
    const out = join(dir, 'zipped', 'mined.jsonl')
    await mineFile(embedder, { path, images }, { out, negatives: 1, relativeMargin: null })
    const source = await openFile(out)
    const [cat, dog] = [await source.read(0), await source.read(1)]
    expect(cat.negatives[0]?.key).toBe(dog.target.key)
    expect(readFileSync(out, 'utf8')).toMatch(/"image":"mined\.jsonl\.pictures\/[0-9a-f]{32}\.bmp"/)
    await source.close()
    const before = await openFile(path, { images })
    expect((await before.read(0)).target.key).toBe(cat.target.key)
    await before.close()
  })

  test('two runs give the same bytes', async () => {
    const options = { sample: 'random', seed: 5, negatives: 2 } as const
    const [a, b] = [await mined(rows, options), await mined(rows, options)]
    expect(readFileSync(a.out, 'utf8')).toBe(readFileSync(b.out, 'utf8'))
  })
})

describe('a run that stops', () => {
  test('leaves its vectors and no file, and the next one goes on', async () => {
    const out = join(dir, 'stopped', 'mined.jsonl')
    const path = pairFile(rows)
    const stop = new AbortController()
    const onProgress: MineOptions['onProgress'] = ({ label }) => {
      if (label === 'search') stop.abort()
    }
    const rules = { out, relativeMargin: null }
    const run = mineFile(embedder, { path }, { ...rules, signal: stop.signal, onProgress })
    await expect(run).rejects.toMatchObject({ code: 'interrupted' })
    expect([existsSync(out), existsSync(`${out}.lock`)]).toEqual([false, false])
    expect(await mineFile(embedder, { path }, rules)).toMatchObject({ pairs: 8, resumed: 16 })
    expect(existsSync(`${out}.vectors`)).toBe(false)
  })

  test('with a folder for vectors: they stay, and are used again', async () => {
    const vectors = join(dir, 'kept')
    const first = await mined(rows, { vectors })
    const second = await mined(rows, { vectors })
    expect([first.made.resumed, second.made.resumed]).toEqual([0, 16])
    expect(existsSync(`${first.out}.vectors`)).toBe(false)
    expect(existsSync(`${first.out}.lock`)).toBe(false)
    expect(readFileSync(second.out, 'utf8')).toBe(readFileSync(first.out, 'utf8'))
  })
})

describe('pairs that cannot be used', () => {
  const given = [...rows, { query: 'a picture', target: { image: 'absent.png' } }]

  test('are left out and told', async () => {
    const { made, lines } = await mined(given)
    expect(lines.length).toBe(8)
    expect(made.left).toMatchObject({ pairs: 1, first: [{ row: 8, code: 'file/missing' }] })
  })

  test('end a strict run', async () => {
    await expect(mined(given, { strict: true })).rejects.toMatchObject({ code: 'file/missing' })
  })

  test.each([
    [
      'mining/no-pairs',
      [
        { query: 'a', target: 'b' },
        { query: 'c', target: 'b' },
      ],
      {},
    ],
    ['mining/no-pairs', [{ query: 'a', target: { image: 'absent.png' } }], {}],
    ['mining/window', rows, { from: 4, to: 4 }],
    ['mining/window', rows, { from: 8, to: 20 }],
    ['mining/window', rows, { maxScore: -0.99 }],
    ['usage/option', rows, { negatives: 0 }],
  ])('%s', async (code, all, options) => {
    await expect(mined(all, options)).rejects.toMatchObject({ code })
  })

  test('the file itself is no place for the result', async () => {
    const path = pairFile(rows)
    await expect(mineFile(embedder, { path }, { out: path })).rejects.toMatchObject({
      code: 'mining/output',
      message: expect.stringContaining('is the file of the pairs'),
    })
  })
})
