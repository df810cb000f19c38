import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { allPairs, openFile, pairFile, pairFolder, pairWords } from '../../../../test/pair-files.ts'
import { smallPicture as bmp } from '../../../../test/small-picture.ts'
import { readItem } from '../item.ts'

describe('names of columns', () => {
  test.each([
    ['our own', { query: 'a', target: 'b', negatives: ['c', 'd'] }],
    ['of sentence-transformers', { anchor: 'a', positive: 'b', negative_1: 'c', negative_2: 'd' }],
    ['of items', { query: { text: 'a' }, target: { text: 'b' }, negatives: [{ text: 'c' }, { text: 'd' }] }],
    ['in camel case', { queryText: 'a', targetText: 'b', negative1: 'c', negative2: 'd' }],
  ])('%s', async (_, row) => {
    expect((await allPairs(await openFile(pairFile([row])))).map(pairWords)).toEqual([['a', 'b', ['c', 'd']]])
  })

  test('named by the caller: others are not used, and told', async () => {
    const told: string[] = []
    const columns = { query: 'question', target: 'answer', negatives: ['wrong', 'worse'] }
    const row = { question: 'a', answer: 'b', wrong: 'c', worse: 'd', query: 'x', target: 'y' }
    const source = await openFile(
      pairFile([row, row]),
      { columns },
      { warn: (message) => told.push(message) },
    )
    expect((await allPairs(source)).map(pairWords)).toEqual([
      ['a', 'b', ['c', 'd']],
      ['a', 'b', ['c', 'd']],
    ])
    expect(told).toEqual([expect.stringMatching(/the columns query, target are not used$/)])
  })

  test.each([
    [{ query: 'question', target: 'b' }, {}, /no column question/],
    [{ query: ['a', 'b'] }, {}, /columns\.query: expected the name of one column, got a list/],
  ])('%j is refused', async (columns, row, message) => {
    const path = pairFile([{ query: 'a', b: 'c', target: 'b', ...row }])
    const given: object = { columns }
    await expect(openFile(path, given)).rejects.toThrow(message)
  })
})

describe('rows that are no pairs', () => {
  const rows = [
    { query: 'a', target: 'b' },
    { query: 'a' },
    { query: 'a', target: ' ' },
    { query: 'same', target: 'same' },
    { query: { text: 'same', instruction: 'Find' }, target: 'same' },
    '{"query": "cut',
    { query: 1, target: 'b' },
    { query: { tex: 'a' }, target: 'b' },
    { query: { image: 'https://example.org/a.png' }, target: 'b' },
    { query: '\ud800', target: 'b' },
    { anchor: 'a', query: 'a', target: 'b' },
    { query: 'a', target: 'b', negatives: ['c'], target_score: 1, negative_scores: [1, 2] },
    { query: 'last', target: 'b' },
  ]
  const reasons = [
    'line 2: no column holds the target',
    'line 3: it has no target',
    'line 4: its target is equal to its query',
    'line 5: its target is equal to its query',
    'line 6: no JSON',
    'line 7: query: expected text, got the number 1',
    'line 8: query: an item has no key tex: did you mean text?',
    'line 9: query: https://example.org/a.png is an address on the net',
    'line 10: query: half of a surrogate pair',
    'line 11: anchor, query both hold query',
    'line 12: it has 2 scores for 1 negatives',
  ]

  test('are left out, counted and told by line and reason', async () => {
    const told: string[] = []
    const source = await openFile(pairFile(rows), {}, { warn: (message) => told.push(message) })
    expect(source.left.rows).toBe(reasons.length)
    source.left.reasons.forEach((reason, i) => {
      expect(reason).toContain(reasons[i])
    })
    expect(told).toEqual([expect.stringMatching(/11 of 13 rows are left out/)])
    expect((await allPairs(source)).map(pairWords)).toEqual([
      ['a', 'b', []],
      ['last', 'b', []],
    ])
  })

  test('end the call if that is asked for', async () => {
    await expect(openFile(pairFile(rows), {}, { strict: true })).rejects.toMatchObject({
      code: 'data/pair',
      message: expect.stringMatching(/line 2: no column holds the target/),
    })
  })

  test.each([
    ['an empty file', '', /has no rows/],
    ['no pair at all', '{"query": "a"}\n{"target": "b"}', /none of the 2 rows .* is a pair: .*line 1/],
  ])('%s is refused', async (_, text, message) => {
    const path = pairFile([text])
    await expect(openFile(path)).rejects.toMatchObject({
      code: 'data/no-pairs',
      message: expect.stringMatching(message),
    })
  })

  test('text in another encoding is a row that is left out', async () => {
    const path = pairFile([])
    writeFileSync(
      path,
      Buffer.from('{"query": "a", "target": "caf\xe9"}\n{"query": "a", "target": "b"}', 'latin1'),
    )
    const source = await openFile(path)
    expect(source.left.reasons).toEqual([expect.stringMatching(/line 1: expected UTF-8/)])
    await source.close()
  })
})

describe('negatives', () => {
  test('equal to the target are dropped and counted, with their scores', async () => {
    const told: string[] = []
    const row = {
      query: 'a',
      target: 'b',
      negatives: ['c', 'b', '', 'd'],
      target_score: 3,
      negative_scores: [1, 3, 2],
    }
    const source = await openFile(pairFile([row]), {}, { warn: (message) => told.push(message) })
    expect(source.left.negatives).toBe(1)
    expect(told).toEqual([expect.stringMatching(/1 negative is equal to the target/)])
    expect(await allPairs(source)).toMatchObject([
      { negatives: [{ text: 'c' }, { text: 'd' }], teacher: { target: 3, negatives: [1, 2] } },
    ])
  })

  test('with the same pixels as the target are dropped when they are read', async () => {
    const dir = pairFolder()
    for (const name of ['target.bmp', 'copy.bmp']) writeFileSync(join(dir, name), bmp(1))
    const told: string[] = []
    const row = { query: 'a', target_image: 'target.bmp', negatives: [{ image: 'copy.bmp' }, 'b'] }
    const source = await openFile(pairFile([row], dir), {}, { warn: (message) => told.push(message) })
    expect((await source.read(0)).negatives.map(({ text }) => text)).toEqual(['b'])
    await source.read(0)
    expect(told).toEqual([expect.stringMatching(/line 1: a negative shows the same picture/)])
    await source.close()
  })
})

describe('pictures', () => {
  test('are found beside the file, in their folder, or in the row itself', async () => {
    const dir = pairFolder()
    writeFileSync(join(dir, 'one.bmp'), bmp(1))
    const inside = pairFolder()
    writeFileSync(join(inside, 'one.bmp'), bmp(2))
    const url = `data:image/bmp;base64,${bmp(3).toString('base64')}`
    const rows = [
      { query: { image: 'one.bmp' }, target: 'a' },
      { query: { images: ['one.bmp', url] }, target: 'a' },
    ]
    const path = pairFile(rows, dir)
    const keys = async (settings: object) =>
      (await allPairs(await openFile(path, settings))).map(({ query }) => query.image?.map(({ key }) => key))
    const hash = (level: number) => createHash('sha256').update(bmp(level)).digest('hex')
    expect(await keys({})).toEqual([[hash(1)], [hash(1), hash(3)]])
    expect(await keys({ images: inside })).toEqual([[hash(2)], [hash(2), hash(3)]])
  })

  test('are read again when they are decoded; one that changed is noticed', async () => {
    const dir = pairFolder()
    writeFileSync(join(dir, 'one.bmp'), bmp(1))
    const source = await openFile(pairFile([{ query: { image: 'one.bmp' }, target: 'a' }], dir))
    const { query } = await source.read(0)
    expect((await readItem(query)).pictures[0]?.data[0]).toBe(1)
    writeFileSync(join(dir, 'one.bmp'), bmp(2))
    await expect(readItem(query)).rejects.toMatchObject({ code: 'file/changed' })
    await source.close()
  })

  test('that cannot be read are told by file, line and side', async () => {
    const row = { query: 'a', target: 'b', negatives: ['c', { image: 'no.png' }] }
    const source = await openFile(pairFile([row]))
    await expect(source.read(0)).rejects.toMatchObject({
      code: 'file/missing',
      message: expect.stringMatching(/pairs\.jsonl, line 1, negative 2: .*no\.png does not exist/),
    })
    await source.close()
  })
})

describe('instructions', () => {
  const rows = Array.from({ length: 40 }, (_, i) => ({ query: `q${i}`, target: `t${i}`, negatives: ['n'] }))

  test('stand in for absent ones only', async () => {
    const source = await openFile(
      pairFile([...rows.slice(0, 1), { query: { text: 'a', instruction: 'Own' }, target: 'b' }]),
      {
        instruction: 'Find',
        targetInstruction: 'Describe',
      },
    )
    const pairs = await allPairs(source)
    expect(pairs.map(({ query, target }) => [query.instruction, target.instruction])).toEqual([
      ['Find', 'Describe'],
      ['Own', 'Describe'],
    ])
    expect(pairs[0]?.negatives[0]?.instruction).toBe('Describe')
  })

  test('of a list are drawn for each row by the seed, the same whenever it is read', async () => {
    const drawn = async (seed: number) =>
      (await allPairs(await openFile(pairFile(rows), { instruction: ['A', 'B'] }, { seed }))).map(
        ({ query }) => query.instruction,
      )
    const first = await drawn(1)
    expect(new Set(first)).toEqual(new Set(['A', 'B']))
    expect(await drawn(1)).toEqual(first)
    expect(await drawn(2)).not.toEqual(first)
  })
})

test('an interrupted read says so', async () => {
  const source = await openFile(pairFile([{ query: 'a', target: 'b' }]))
  await expect(source.read(0, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' })
  await source.close()
})

test('a row as it is written: own instructions only, pictures by their absolute path', async () => {
  const row = { query: { text: 'a', instruction: 'Find' }, target: { image: 'b.bmp' }, negatives: ['c'] }
  const path = pairFile([row])
  const source = await openFile(path, { instruction: 'Other', targetInstruction: 'Other' })
  expect(await source.draft?.(0)).toEqual({
    query: { text: 'a', instruction: 'Find', pictures: [] },
    target: { pictures: [join(path, '..', 'b.bmp')] },
    negatives: [{ text: 'c', pictures: [] }],
  })
})
