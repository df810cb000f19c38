import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { allPairs, openFile, pairFolder, pairWords } from '../../../../test/pair-files.ts'
import { type Form, parquetOf, type WrittenColumn } from '../../../../test/parquet-files.ts'
import { smallPicture } from '../../../../test/small-picture.ts'
import { readItem } from '../item.ts'

function written(
  columns: readonly WrittenColumn[],
  { name = 'pairs.parquet', dir = pairFolder(), rows = 1000 } = {},
) {
  writeFileSync(join(dir, name), parquetOf(columns, rows))
  return join(dir, name)
}
const texts = (name: string, data: readonly (string | null)[]): WrittenColumn => ({
  name,
  form: 'text',
  data,
})

const PICTURE: Form = { struct: { bytes: 'bytes', path: 'text' } }
const ITEM: Form = { struct: { instruction: 'text', text: 'text', image: PICTURE } }

test('rows are read row group by row group, in any order', async () => {
  const names = (letter: string) => Array.from({ length: 25 }, (_, i) => `${letter}${i}`)
  const columns = [texts('anchor', names('a')), texts('positive', names('p')), texts('other', names('o'))]
  const source = await openFile(written(columns, { rows: 10 }))
  expect(source.rows).toBe(25)
  for (const row of [24, 0, 13, 9, 10]) {
    const { query, target } = await source.read(row)
    expect([query.text, target.text]).toEqual([`a${row}`, `p${row}`])
  }
  await source.close()
})

test('a picture is bytes, or bytes and path as datasets of Hugging Face have it', async () => {
  const dir = pairFolder()
  writeFileSync(join(dir, 'beside.bmp'), smallPicture(9))
  const columns: WrittenColumn[] = [
    {
      name: 'query_image',
      form: 'bytes',
      data: [smallPicture(5), smallPicture(6), Buffer.from('no picture')],
    },
    {
      name: 'target_image',
      form: PICTURE,
      data: [
        { bytes: smallPicture(7), path: 'any.bmp' },
        { bytes: null, path: 'beside.bmp' },
        { bytes: smallPicture(8) },
      ],
    },
  ]
  const source = await openFile(written(columns, { dir }))
  const level = async (row: number, side: 'query' | 'target') =>
    (await readItem((await source.read(row))[side])).pictures[0]?.data[0]
  expect([await level(0, 'query'), await level(0, 'target')]).toEqual([5, 7])
  expect([await level(1, 'query'), await level(1, 'target')]).toEqual([6, 9])
  await expect(level(2, 'query')).rejects.toMatchObject({
    code: 'media/format',
    message: expect.stringMatching(/pairs\.parquet, row 3, query, picture 1/),
  })
  await source.close()
})

test('items stand in a column each, negatives in a list of them', async () => {
  const item = (text: string, level?: number) => ({
    instruction: 'Find',
    text,
    image: level === undefined ? null : { bytes: smallPicture(level), path: null },
  })
  const columns: WrittenColumn[] = [
    { name: 'query', form: ITEM, data: [item('a', 1), item('d')] },
    { name: 'target', form: ITEM, data: [item('b', 2), item('e')] },
    { name: 'negatives', form: { list: ITEM }, data: [[item('c', 3), item('f')], []] },
    { name: 'target_score', form: 'number', data: [3, 1] },
    { name: 'negative_scores', form: { list: 'number' }, data: [[1, 2], []] },
  ]
  const source = await openFile(written(columns))
  const pairs = [await source.read(0), await source.read(1)]
  expect(pairs.map(pairWords)).toEqual([
    ['a', 'b', ['c', 'f']],
    ['d', 'e', []],
  ])
  expect(pairs[0]?.query.instruction).toBe('Find')
  expect(pairs[0]?.negatives.map(({ image }) => image?.length)).toEqual([1, undefined])
  expect((await readItem(pairs[0]!.negatives[0]!)).pictures[0]?.data[0]).toBe(3)
  expect(pairs.map(({ teacher }) => teacher)).toEqual([
    { target: 3, negatives: [1, 2] },
    { target: 1, negatives: [] },
  ])
  await source.close()
})

test('several files in a folder are one source', async () => {
  const dir = pairFolder()
  for (const [i, name] of ['b.parquet', 'a.parquet'].entries())
    written([texts('query', [`q${i}`, null]), texts('target', ['t', 't'])], { name, dir })
  const source = await openFile(dir)
  expect(source.left.reasons).toEqual([
    expect.stringMatching(/a\.parquet, row 2: it has no query/),
    expect.stringMatching(/b\.parquet, row 2: it has no query/),
  ])
  expect((await allPairs(source)).map(pairWords)).toEqual([
    ['q1', 't', []],
    ['q0', 't', []],
  ])
})

test('files of other columns in one folder are refused', async () => {
  const dir = pairFolder()
  written([texts('query', ['a']), texts('target', ['b'])], { name: 'a.parquet', dir })
  written([texts('query', ['a']), texts('positive', ['b'])], { name: 'b.parquet', dir })
  await expect(openFile(dir)).rejects.toThrow(/b\.parquet has other columns than .*a\.parquet/)
})

describe('wrong values', () => {
  test.each([
    [
      'numbers',
      { name: 'query', form: 'number', data: [1] },
      /row 1: query: expected text, got the number 1/,
    ],
    [
      'an item with another key',
      { name: 'query', form: { struct: { txt: 'text' } }, data: [{ txt: 'a' }] },
      /query: an item has no key txt: did you mean text/,
    ],
  ] as const)('%s are told by row and column', async (_, column, message) => {
    await expect(openFile(written([column, texts('target', ['b'])]))).rejects.toThrow(message)
  })

  test('text that is no UTF-8 is no picture', async () => {
    const bytes = Buffer.from(
      parquetOf([texts('query', ['caf\u00e9', 'a']), texts('target', ['b', 'c'])], 1000),
    )
    // Uncompressed or not, the two bytes of the letter stand there as they are.
    const at = bytes.indexOf(Buffer.from('caf\u00e9')) + 4
    bytes[at] = 0x20
    const path = join(pairFolder(), 'pairs.parquet')
    writeFileSync(path, bytes)
    const source = await openFile(path)
    expect(source.left.reasons).toEqual([
      expect.stringMatching(/row 1: query: expected text, got bytes that are no UTF-8/),
    ])
    await source.close()
  })

  test('a file that is none is refused', async () => {
    const path = join(pairFolder(), 'pairs.parquet')
    writeFileSync(path, 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n')
    await expect(openFile(path)).rejects.toThrow(/it is a pointer of Git LFS/)
  })
})
