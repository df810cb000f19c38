import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { allPairs, openFile, pairFile, pairFolder, pairWords } from '../../../../test/pair-files.ts'
import { smallPicture } from '../../../../test/small-picture.ts'
import { zipOf } from '../../../../test/zip-files.ts'
import { readItem } from '../item.ts'
import { openAllPairs } from './open.ts'
import { dataSettings } from './settings.ts'

function written(name: string, content: string | Uint8Array, dir = pairFolder()): string {
  writeFileSync(join(dir, name), content)
  return join(dir, name)
}

const pairsOf = async (path: string, settings: object = {}) => await allPairs(await openFile(path, settings))
const wordsOf = async (path: string, settings: object = {}) => (await pairsOf(path, settings)).map(pairWords)

describe('a table of text', () => {
  test('has a pair a row, wherever its lines break', async () => {
    const text = 'query,target,negative\n"a, b","c\nd",e\n\nf,g,\n'
    expect(await wordsOf(written('pairs.csv', text))).toEqual([
      ['a, b', 'c\nd', ['e']],
      ['f', 'g', []],
    ])
  })

  test('may have quotes as ordinary characters, or another character around cells', async () => {
    const inches = written('pairs.csv', 'query,target\n5" screen,a screen\n')
    expect(await wordsOf(inches, { quote: null })).toEqual([['5" screen', 'a screen', []]])
    const other = written('other.csv', "query,target\n'a, b',c\n")
    expect(await wordsOf(other, { quote: "'" })).toEqual([['a, b', 'c', []]])
  })

  test.each([
    ['with the line ends of Windows', 'query,target\r\n"a\rb",c\r\nd,e\r\n', 'utf8'],
    ['in UTF-16, as spreadsheets write it', '\ufeffquery,target\r\n"a\rb",c\r\nd,e\r\n', 'utf16le'],
    ['with a mark of UTF-8', '\ufeffquery,target\n"a\rb",c\nd,e', 'utf8'],
  ] as const)('%s', async (_, text, encoding) => {
    expect(await wordsOf(written('pairs.csv', Buffer.from(text, encoding)))).toEqual([
      ['a\rb', 'c', []],
      ['d', 'e', []],
    ])
  })

  test('holds lists as JSON: pictures, negatives, scores', async () => {
    const dir = pairFolder()
    for (const name of ['1.bmp', '2.bmp']) writeFileSync(join(dir, name), smallPicture(Number(name[0])))
    const text =
      'query\tquery_images\ttarget\tnegatives\ttarget_score\tnegative_scores\na\t["1.bmp", "2.bmp"]\tb\t["c", "d"]\t3\t[1, 2]\n'
    const [pair] = await pairsOf(
      written('pairs.tsv', text.replaceAll('"', '""').replace(/\[[^\]]*\]/g, '"$&"'), dir),
    )
    expect(pair?.query.image?.length).toBe(2)
    expect(pair?.negatives.map(({ text: own }) => own)).toEqual(['c', 'd'])
    expect(pair?.teacher).toEqual({ target: 3, negatives: [1, 2] })
  })

  test.each([
    ['query;target\na;b', {}, 'data/columns', /no column holds the query/],
    ['query,target\na,b,c', {}, 'data/table', /is no table/],
    ['query,query,target\na,b,c', {}, 'data/columns', /the column query is there twice/],
    ['query,target\na,caf\xe9', {}, 'data/table', /expected UTF-8/],
    ['a,b\n1,2', { columns: { query: 'a', target: 'c' } }, 'data/columns', /has no column c/],
  ])('%j is refused', async (text, settings, code, message) => {
    const path = written('pairs.csv', Buffer.from(text, 'latin1'))
    await expect(openFile(path, settings)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
  })
})

describe('a folder of classes', () => {
  test('gives each picture with the name of its folder', async () => {
    const dir = pairFolder()
    for (const path of ['cat/1.bmp', 'cat/kittens/2.bmp', 'sea lion/3.bmp', '4.bmp']) {
      mkdirSync(join(dir, path, '..'), { recursive: true })
      writeFileSync(join(dir, path), smallPicture(path.length))
    }
    const source = await openFile(dir)
    expect(source.left.reasons).toEqual([expect.stringMatching(/picture 1: it has no target/)])
    expect((await allPairs(source)).map(({ target }) => target.text)).toEqual(['cat', 'cat', 'sea lion'])
  })
})

describe('lines of ms-swift', () => {
  const user = (content: string) => [{ role: 'user', content }]
  const row = {
    messages: [{ role: 'system', content: 'Find' }, ...user('<image>sentence1')],
    images: ['1.bmp'],
    positive_messages: [user('<image>sentence2')],
    positive_images: [['2.bmp']],
    negative_messages: [user('<image><image>sentence3'), user('sentence4')],
    negative_images: [['1.bmp', '2.bmp'], []],
  }
  const dir = pairFolder()
  for (const name of ['1.bmp', '2.bmp']) writeFileSync(join(dir, name), smallPicture(Number(name[0])))

  test('become items with instruction, text and pictures', async () => {
    const [pair] = await pairsOf(pairFile([row], dir))
    const { query, target, negatives } = pair!
    expect([query.instruction, query.text, query.image?.length]).toEqual(['Find', 'sentence1', 1])
    expect([target.instruction, target.text, target.image?.length]).toEqual([undefined, 'sentence2', 1])
    expect(negatives.map(({ text, image }) => [text, image?.length])).toEqual([
      ['sentence3', 2],
      ['sentence4', undefined],
    ])
  })

  test.each([
    [{ images: [] }, /messages: 1 times <image> for 0 pictures/],
    [{ positive_messages: [user('a'), user('b')], positive_images: [] }, /2 positives, expected one/],
    [{ positive_messages: [] }, /positive_images has 1 lists for 0/],
    [{ label: 0.3 }, /its label is the number 0.3/],
    [{ messages: [{ role: 'assistant', content: 'a' }] }, /roles of an item are system and user/],
    [{ videos: ['a.mp4'] }, /it has videos/],
  ])('%j is left out', async (change, reason) => {
    const source = await openFile(pairFile([row, { ...row, ...change }], dir))
    expect(source.left.reasons).toEqual([expect.stringMatching(reason)])
    await source.close()
  })
})

describe('pictures in a zip archive', () => {
  test('are read in place; a path that leads out of it is refused', async () => {
    const dir = pairFolder()
    const images = written('images.zip', zipOf([{ name: 'a/1.bmp', bytes: smallPicture(7), method: 8 }]), dir)
    const rows = [
      { query_image: 'a/1.bmp', target: 'seven' },
      { query_image: '../a/1.bmp', target: 'outside' },
    ]
    const source = await openFile(pairFile(rows, dir), { images })
    expect((await readItem((await source.read(0)).query)).pictures[0]?.data[0]).toBe(7)
    await expect(source.read(1)).rejects.toMatchObject({ code: 'data/path' })
    await source.close()
  })
})

test('settings of another form are refused by key', async () => {
  await expect(openAllPairs([{ path: '' }])).rejects.toThrow(/settings of a source of pairs: path/)
})

describe('formats', () => {
  test.each([
    ['pairs.txt', {}, /the ending does not say/],
    ['pairs.jsonl', { format: 'folder' }, /is a file, and the format folder/],
    ['pairs.jsonl', { delimiter: ';' }, /a delimiter for jsonl/],
    ['pairs.jsonl', { quote: null }, /a quote for jsonl/],
  ])('%s with %j is refused', async (name, settings, message) => {
    await expect(openFile(written(name, '{}'), settings)).rejects.toMatchObject({
      code: 'data/format',
      message: expect.stringMatching(message),
    })
  })

  test('a path that is not there is told', async () => {
    await expect(openFile('/no/such/pairs.jsonl')).rejects.toMatchObject({ code: 'file/missing' })
  })
})

describe('several sources', () => {
  const settings = (more: object = {}) =>
    dataSettings.parse({ path: pairFile([{ query: 'a', target: 'b' }]), ...more })

  test('have names of their own, and their weights', async () => {
    const opened = await openAllPairs([settings(), settings({ weight: 3 }), settings({ name: 'own' })])
    expect(opened.map(({ source, weight }) => [source.name, weight])).toEqual([
      ['pairs', 1],
      ['pairs 2', 3],
      ['own', 1],
    ])
    for (const { source } of opened) await source.close()
  })

  test('of one name are refused', async () => {
    const list = [settings({ name: 'own' }), settings({ name: 'own' })]
    await expect(openAllPairs(list)).rejects.toThrow(/two sources of pairs are called own/)
  })
})
