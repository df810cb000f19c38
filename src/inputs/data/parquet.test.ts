/**
 * @file Parquet files that hold other things than items, and files that contradict themselves.
 * types.parquet, no-values-lz4.parquet
 * and their values: test/oracles/tables.py.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parquetMetadata, parquetSchema } from 'hyparquet'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { idsOf, linesOf, table } from '../../../test/items.ts'
import { checkFooter, checkPages } from './parquet-check.ts'
import { openItems } from './source.ts'

const types = table('types.parquet')
const beside = (name: string) => join(dirname(types), name)

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-parquet-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('ids', () => {
  test.each([
    ['text', ['a cat', 'a dog', undefined]],
    ['large', ['a cat', 'a dog', undefined]],
    ['category', ['a cat', 'a dog', undefined]],
    ['int8', ['-1', '127', undefined]],
    ['uint32', ['4294967295', '0', undefined]],
    ['int64', ['1234567890123456789', '-1', undefined]],
    ['uint64', ['18446744073709551615', '0', undefined]],
    ['decimal', ['0.30', '-123456789012345678.90', undefined]],
    ['uuid', ['00000000-0000-0000-0000-000000000001', 'ffffffff-ffff-ffff-ffff-ffffffffffff', undefined]],
    ['nothing', [undefined, undefined, undefined]],
  ])('of a column "%s" have all their digits', async (id, ids) => {
    expect(idsOf(await linesOf(types, { id, text: 'large' }))).toEqual(ids)
  })

  test('a number that is none is an error of its row', async () => {
    const [first, second, third] = idsOf(await linesOf(types, { id: 'double', text: 'large' }))
    expect([first, third]).toEqual(['1', undefined])
    expect(second).toMatch(/line 2: double: expected text or a number, got the number NaN/)
  })

  test.each([
    ['bool', 'booleans'],
    ['timestamp', 'timestamps'],
    ['date', 'dates'],
    ['time', 'times of day'],
    ['json', 'JSON'],
    ['binary', 'bytes'],
    ['numbers', 'lists of whole numbers'],
    ['other', 'objects with url'],
    ['map', 'maps'],
  ])('a column "%s" is refused as %s, and the hint names flags that help', async (id, words) => {
    await expect(openItems(types, { id, text: 'large' })).rejects.toMatchObject({
      code: 'data/columns',
      message: expect.stringContaining(`the column ${id} holds ${words}`),
      hint: expect.stringMatching(/--columns id=NAME.*--columns text=NAME/),
    })
  })
})

describe('texts', () => {
  test.each(['text', 'large', 'category'])('a column "%s" is text', async (text) => {
    expect((await linesOf(types, { text })).map((line) => 'item' in line && line.item.text)).toEqual([
      'a cat',
      'a dog',
      undefined,
    ])
  })

  test('bytes without the mark of text are refused, with what to do', async () => {
    await expect(openItems(types, { text: 'binary' })).rejects.toMatchObject({
      code: 'data/columns',
      message: expect.stringContaining('the column binary holds bytes without a mark that they are text'),
      hint: expect.stringContaining('--columns image=NAME'),
    })
  })

  test('marked as text, but no UTF-8: an error of its row, not U+FFFD', async () => {
    const columnData = [{ name: 'text', data: ['fine', new Uint8Array([0x63, 0xe4, 0x74])] }]
    const schema = [
      { name: 'root', num_children: 1 },
      { name: 'text', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
    ] as const
    writeFileSync(
      join(dir, 'latin.parquet'),
      new Uint8Array(parquetWriteBuffer({ columnData, schema: [...schema] })),
    )
    const [fine, bad] = await linesOf(join(dir, 'latin.parquet'))
    expect(fine).toMatchObject({ item: { text: 'fine' } })
    expect(bad).toMatchObject({ error: { code: 'data/line', message: expect.stringContaining('3 bytes') } })
  })
})

describe('pictures', () => {
  const bytes = new Uint8Array([9, 8, 7])
  test.each([
    ['binary', [Buffer.from('a cat'), new Uint8Array([255]), undefined]],
    ['picture', [bytes, beside('b.png'), undefined]],
    ['pictures', [[bytes, beside('b.png')], undefined, undefined]],
    // Empty bytes give way to the path; without one they are an empty file, which a decoder
    // refuses.
    ['empty', [beside('b.png'), new Uint8Array(0), undefined]],
    ['nothing', [undefined, undefined, undefined]],
  ])('a column "%s"', async (image, expected) => {
    const lines = await linesOf(types, { text: 'large', image })
    const plain = (picture: unknown): unknown =>
      Array.isArray(picture) ? picture.map(plain) : picture instanceof Uint8Array ? [...picture] : picture
    expect(lines.map((line) => plain('item' in line && line.item.image))).toEqual(expected.map(plain))
  })

  test.each([
    ['holes', [/picture 2 of 2 is absent/, /picture 1 of 1 is absent/]],
    ['paths', [undefined, /picture 2 of 2 is absent/, /picture 2 of 2 is an empty text/]],
  ])('a list with a hole is an error of its row: %s', async (image, says) => {
    const ids = idsOf(await linesOf(types, { image }))
    for (const [i, pattern] of says.entries()) expect(ids[i] ?? '').toMatch(pattern ?? /^$/)
  })

  test.each(['numbers', 'other', 'map', 'bool', 'double'])('a column "%s" is refused', async (image) => {
    await expect(openItems(types, { image })).rejects.toMatchObject({
      code: 'data/columns',
      message: expect.stringContaining('expected paths, bytes of pictures, or { bytes, path }'),
    })
  })

  test('lists that are all empty, packed by LZ4', async () => {
    const lines = await linesOf(table('no-values-lz4.parquet'))
    expect(lines.map((line) => 'item' in line && line.item)).toEqual([
      { instruction: undefined, text: 'a cat', image: undefined },
      { instruction: undefined, text: 'a dog', image: undefined },
    ])
  })

  test('of published data: empty bytes with a path', async () => {
    const [line] = await linesOf(table('emptybytes.parquet'))
    expect(line).toMatchObject({ item: { image: expect.stringMatching(/[^/]$/) } })
  })
})

describe('files that contradict themselves are refused, and leave nothing running', () => {
  test.each([
    ['parquet-lying-rows.parquet', /row group 3 does not say its rows/],
    ['parquet-unhandled.parquet', /row group 2, column image\.path: the row group calls it image\.\/ath/],
  ])('%s', async (name, says) => {
    await expect(linesOf(table(name))).rejects.toMatchObject({
      code: 'data/table',
      exitCode: 2,
      message: expect.stringMatching(says),
    })
  })

  /** Three row groups of ten rows. */
  const file = () =>
    Buffer.from(
      parquetWriteBuffer({
        rowGroupSize: 10,
        columnData: [
          {
            name: 'text',
            data: Array.from({ length: 30 }, (_, i) => (i % 7 === 0 ? null : `cat ${i}`)),
            type: 'STRING',
          },
          { name: 'rank', data: Array.from({ length: 30 }, (_, i) => BigInt(i)), type: 'INT64' },
        ],
      }),
    )
  type Metadata = ReturnType<typeof parquetMetadata>
  const group = (metadata: Metadata) => metadata.row_groups[1]!
  const chunk = (metadata: Metadata) => group(metadata).columns[0]!.meta_data!

  test.each<[string, (metadata: Metadata) => void, RegExp]>([
    [
      'fewer rows than the groups hold',
      (m) => Object.assign(m, { num_rows: 20n }),
      /promises 20 rows, the row groups hold 30/,
    ],
    ['more rows than the groups hold', (m) => Object.assign(m, { num_rows: 40n }), /promises 40 rows/],
    [
      'a negative number of rows',
      (m) => Object.assign(group(m), { num_rows: -10n }),
      /row group 2 has -10 rows/,
    ],
    [
      'another number of rows in a group',
      (m) => Object.assign(group(m), { num_rows: 12n }),
      /10 values for 12 rows/,
    ],
    ['another number of values', (m) => Object.assign(chunk(m), { num_values: 9n }), /9 values for 10 rows/],
    [
      'a column that a group lacks',
      (m) => group(m).columns.pop(),
      /row group 2 has 1 columns, the schema has 2/,
    ],
    ['columns in another order', (m) => group(m).columns.reverse(), /the row group calls it rank/],
    ['another type', (m) => Object.assign(chunk(m), { type: 'INT32' }), /its type is INT32/],
    [
      'an offset into another column',
      (m) => Object.assign(chunk(m), { data_page_offset: 8n, dictionary_page_offset: undefined }),
      /lie within/,
    ],
    [
      'bytes behind the end',
      (m) => Object.assign(group(m).columns[1]!.meta_data!, { total_compressed_size: 10n ** 6n }),
      /lie within|cut short/,
    ],
    [
      'values in another file',
      (m) => Object.assign(group(m).columns[0]!, { file_path: 'b.parquet' }),
      /another file/,
    ],
    [
      'an encrypted column',
      (m) => Object.assign(group(m).columns[0]!, { meta_data: undefined }),
      /encrypted/,
    ],
  ])('%s', (_, lie, says) => {
    const bytes = file()
    const metadata = parquetMetadata(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
    const check = () => checkFooter(metadata, parquetSchema(metadata), bytes.length)
    expect(check).not.toThrow()
    lie(metadata)
    expect(check).toThrow(says)
  })

  test.each<[string, (meta: ReturnType<typeof chunk>) => void, RegExp]>([
    [
      'pages of more values',
      (meta) => Object.assign(meta, { num_values: 5n }),
      /pages hold 10 values, the footer promises 5/,
    ],
    ['pages of fewer values', (meta) => Object.assign(meta, { num_values: 15n }), /pages hold 10 values/],
    ['an unknown codec', (meta) => Object.assign(meta, { codec: undefined }), /an unknown codec/],
    ['a codec that is not read', (meta) => Object.assign(meta, { codec: 'LZO' }), /compressed by LZO/],
  ])('%s', (_, lie, says) => {
    const bytes = file()
    const metadata = parquetMetadata(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
    const meta = chunk(metadata)
    const start = Number(meta.dictionary_page_offset || meta.data_page_offset)
    const column = new Uint8Array(bytes.subarray(start, start + Number(meta.total_compressed_size)))
    expect(() => checkPages(column, meta)).not.toThrow()
    lie(meta)
    expect(() => checkPages(column, meta)).toThrow(says)
  })

  test('cut short at any place', async () => {
    const bytes = file()
    for (let length = 0; length < bytes.length; length += 97) {
      writeFileSync(join(dir, 'cut.parquet'), bytes.subarray(0, length))
      await expect(linesOf(join(dir, 'cut.parquet'))).rejects.toMatchObject({ code: 'data/table' })
    }
  })

  test('any byte of the footer changed: the same items, or a typed error', async () => {
    const bytes = file()
    const start = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8)
    const path = join(dir, 'changed.parquet')
    const read = async () => JSON.stringify(await linesOf(path))
    writeFileSync(path, bytes)
    const whole = await read()
    for (let at = start; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at] = changed[at]! ^ (1 << (at % 7))
      writeFileSync(path, changed)
      const found = await read().catch((error: unknown) => error)
      if (typeof found === 'string') expect(found).toBe(whole)
      else expect(found).toMatchObject({ code: expect.stringMatching(/^data\//) })
    }
  })
})
