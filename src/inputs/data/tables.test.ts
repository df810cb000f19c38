/** @file CSV and JSON lines: columns that are used, ids as they stand, files of another form. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { idsOf, linesOf, table } from '../../../test/items.ts'
import type { ItemColumns } from './columns.ts'
import { byteLines, LINE_LIMIT } from './lines.ts'
import { openItems, pipedItems } from './source.ts'

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-tables-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** Writes a file. */
function file(name: string, content: string | Uint8Array): string {
  const path = join(dir, name)
  writeFileSync(path, content)
  return path
}

async function* inPieces(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

describe('only named columns are used', () => {
  const kinds = {
    'items.csv': 'id,caption,image,text\n1,a cat,a.png,b\n2,a dog,b.png,b\n',
    'items.jsonl':
      '{"id":1,"caption":"a cat","image":"a.png","text":"b"}\n{"id":2,"caption":"a dog","image":"b.png","text":"b"}\n',
  }

  test.each(Object.entries(kinds))(
    '%s: a column that is called image is not embedded',
    async (name, content) => {
      const lines = await linesOf(file(name, content), { text: 'caption' })
      expect(lines).toMatchObject([{ item: { text: 'a cat' } }, { item: { text: 'a dog' } }])
      expect(lines.map((line) => 'item' in line && [line.item.image, line.id])).toEqual([
        [undefined, undefined],
        [undefined, undefined],
      ])
    },
  )

  test.each([
    ['items.csv', undefined, /^.*items\.csv: the column caption is not used\n.*--columns/],
    ['items.jsonl', undefined, /^.*items\.jsonl: the key caption is not used\n.*--columns/],
    ['items.csv', { text: 'caption' }, /the columns id, image, text are not used/],
    ['items.jsonl', { text: 'caption' }, /the keys id, image, text are not used/],
  ] as const)('%s with columns %o: those that are not used are named once', async (name, columns, says) => {
    const said: string[] = []
    await linesOf(file(name, kinds[name]), columns, { warn: (words) => said.push(words) })
    expect(said).toEqual([expect.stringMatching(says)])
  })

  test('a key that comes late is named when it comes, and unnamed columns of a table are not', async () => {
    const said: string[] = []
    const warn = (words: string) => void said.push(words)
    await linesOf(
      file('late.jsonl', '{"text":"a"}\n{"text":"a","rank":1}\n{"text":"b","rank":2,"x y":3}\n'),
      {},
      { warn },
    )
    await linesOf(file('unnamed.csv', 'text,,\na,,\n'), {}, { warn })
    expect(said).toEqual([
      expect.stringContaining('the key rank is not used'),
      expect.stringContaining('the key "x y" is not used'),
    ])
  })

  test.each<[string, string, ItemColumns, RegExp]>([
    [
      'a.jsonl',
      '{"text":"a","path":"x.png"}\n',
      { text: 'text', image: 'paht' },
      /no line has the key paht; the keys are text, path/,
    ],
    [
      'a.csv',
      'text,path\na,x.png\n',
      { text: 'text', image: 'paht' },
      /no column paht; its columns are text, path/,
    ],
    ['a.csv', 'id,text\n1,a\n', { id: 'id' }, /columns for id only, nothing to embed/],
  ])('%s: %s named %o is refused', async (name, content, columns, says) => {
    await expect(openItems(file(name, content), columns)).rejects.toMatchObject({
      code: 'data/columns',
      message: expect.stringMatching(says),
      hint: expect.stringContaining('--columns'),
    })
  })

  test('a pipe says at its end that no line had a named key', async () => {
    const place = { name: 'stdin', folder: '.', columns: { text: 'text', image: 'paht' } }
    const source = await pipedItems(inPieces('{"text":"a"}\n{"text":"b"}\n'), place)
    const read = async () => {
      for await (const line of source.lines()) expect(line).toHaveProperty('item')
    }
    await expect(read()).rejects.toMatchObject({ code: 'data/columns' })
  })
})

test.each<[string, () => Promise<unknown>, RegExp]>([
  // @ts-expect-error a misspelt field, from JavaScript
  ['columns', () => openItems('a.csv', { txt: 'caption' }), /columns\.txt: an item has no such field/],
  ['delimiter', () => openItems('a.csv', {}, { delimiter: 'tab' }), /delimiter: expected one character/],
  ['quote', () => openItems('a.csv', {}, { quote: '""' }), /quote: expected one character or null/],
])('an option of the library that can not be: %s', async (_, open, says) => {
  await expect(open()).rejects.toMatchObject({
    code: 'usage/option',
    message: expect.stringMatching(says),
    hint: expect.any(String),
  })
})

describe('ids in JSON', () => {
  test('stand as they are written; what is no JSON is an error', async () => {
    expect(idsOf(await linesOf(table('large-ids.jsonl')))).toEqual([
      '1234567890123456789',
      '1e21',
      expect.stringMatching(/line 3: no JSON/),
      '1.0',
    ])
  })

  test.each<[string, string | RegExp]>([
    ['{"id" :\t-0.10 ,"text":"a"}', '-0.10'],
    ['{"a":{"id":[1,"}",{"id":2}]},"text":"\\"id\\":3\\\\","id":9007199254740993}', '9007199254740993'],
    ['{"\\u0069d":12345678901234567890,"text":"a"}', '12345678901234567890'],
    ['{"id":"007","text":"a"}', '007'],
    ['{"id":true,"text":"a"}', /id: expected text or a number, got true/],
    ['{"id":{"a":1},"text":"a"}', /id: expected text or a number, got an object with the keys a/],
    ['{"id":"\\ud800","text":"a"}', /id: half of a surrogate pair/],
    ['{"id":1,"text":"a","text":"b"}', /the key text stands there twice/],
    ['{"id":1,"text":"a","\\u0069d":2}', /the key id stands there twice/],
  ])('%s', async (line, id) => {
    const [found] = idsOf(await linesOf(file('id.jsonl', `${line}\n`)))
    if (typeof id === 'string') expect(found).toBe(id)
    else expect(found).toMatch(id)
  })
})

describe('pictures in JSON', () => {
  test.each<[string, string, RegExp]>([
    ['a list with null', '["a.png",null]', /picture 2 of 2 is absent/],
    ['a list with an empty text', '["","a.png"]', /picture 1 of 2 is an empty text/],
    ['an object without bytes and path', '{"url":"a"}', /got an object with the keys url/],
    ['bytes as text', '{"bytes":"iVBORw0KGgo="}', /bytes: expected the bytes of a picture, got the text/],
    [
      'base64 without its head',
      JSON.stringify('iVBORw0KGgo'.repeat(500)),
      /a text of 5500 characters is no path; .*data:image/,
    ],
    ['another data URL', '"data:text/plain;base64,YQ=="', /expected a data URL that begins with data:image/],
    ['a path that no system has', '"a\\u0000b"', /is no path/],
  ])('%s is an error of its line that says so', async (_, image, says) => {
    expect(idsOf(await linesOf(file('image.jsonl', `{"text":"a","image":${image}}\n`)))[0]).toMatch(says)
  })

  test('a data URL may say more of itself', async () => {
    const [line] = await linesOf(file('url.jsonl', '{"image":"DATA:image/png;name=a.png;base64,AQID"}\n'))
    expect(line).toMatchObject({ item: { image: Buffer.from([1, 2, 3]) } })
  })
})

describe('tables of another form say which flag helps', () => {
  test.each<[string, string, RegExp, RegExp]>([
    ['semicolons.csv', 'id;text\n1;a, b\n', /one column, "id;text": .*semicolons/, /--delimiter ";"/],
    ['tabs.csv', 'id\ttext\n1\ta\n', /one column, .*tabs/, /--delimiter tab/],
    ['commas.tsv', 'id,text\n1,a\n', /one column, .*commas/, /--delimiter ","/],
    ['stray.tsv', 'id\ttext\n1\t"a cat\n2\ta dog\n', /Quote Not Closed/, /--quote none/],
    ['inches.csv', 'id,text\n1,a 5" disk\n', /[Qq]uote/, /--quote none/],
    ['closed.csv', 'id,text\n1,"a" cat\n', /[Qq]uote/, /--quote none/],
    ['ragged.csv', 'id,text\n1,a,b\n', /Record Length.*line 2/, /--delimiter/],
  ])('%s', async (name, content, says, hint) => {
    await expect(openItems(file(name, content))).rejects.toMatchObject({
      code: expect.stringMatching(/^data\/(columns|table)$/),
      message: expect.stringMatching(says),
      hint: expect.stringMatching(hint),
    })
  })

  test('and the flags do help', async () => {
    const semicolons = await linesOf(file('semicolons.csv', 'id;text\n1;a, b\n'), {}, { delimiter: ';' })
    expect(semicolons).toMatchObject([{ id: '1', item: { text: 'a, b' } }])
    const stray = await linesOf(file('stray.tsv', 'id\ttext\n1\t"a cat\n2\ta 5" disk\n'), {}, { quote: null })
    expect(stray).toMatchObject([{ item: { text: '"a cat' } }, { item: { text: 'a 5" disk' } }])
    const single = await linesOf(file('single.csv', "text\n'a, b'\n"), {}, { quote: "'" })
    expect(single).toMatchObject([{ item: { text: 'a, b' } }])
    await expect(openItems(file('a.jsonl', '{"text":"a"}\n'), {}, { delimiter: ';' })).rejects.toMatchObject({
      code: 'data/table',
    })
  })

  test.each(['a.csv', 'a.jsonl'])('lines that end with CR alone: %s', async (name) => {
    const content = name === 'a.csv' ? 'text\ra cat\ra dog\r' : '{"text":"a cat"}\r{"text":"a dog"}\r'
    expect(await linesOf(file(name, content))).toMatchObject([
      { item: { text: 'a cat' } },
      { item: { text: 'a dog' } },
    ])
  })
})

describe('files that are no text in UTF-8', () => {
  const line = '{"text":"a cat"}\n'
  test.each<[string, Uint8Array, RegExp, RegExp]>([
    ['packed.jsonl', gzipSync(line), /got a file packed by gzip/, /gunzip/],
    ['wide.jsonl', Buffer.from(`\uFEFF${line}`, 'utf16le'), /got UTF-16/, /iconv -f UTF-16 /],
    ['wide-be.csv', Buffer.from('\uFEFFtext\na\n', 'utf16le').swap16(), /got UTF-16/, /iconv/],
    ['no-mark.csv', Buffer.from('text\na\n', 'utf16le'), /line 1: .*zero bytes/, /UTF-16LE/],
    ['book.csv', Buffer.from([0x50, 0x4b, 3, 4, 1]), /a zip archive/, /CSV/],
    ['renamed.jsonl', Buffer.from('PAR1\x15\x04'), /a Parquet file/, /\.parquet/],
    ['cat.png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10]), /a picture/, /--image/],
    ['list.json', Buffer.from(`[\n${line}]`), /got a list/, /jq -c/],
    ['pretty.json', Buffer.from('{\n "text": "a"\n}\n'), /an object over several lines/, /jq -c/],
  ])('%s', async (name, content, says, hint) => {
    await expect(linesOf(file(name, content))).rejects.toMatchObject({
      code: 'data/table',
      message: expect.stringMatching(says),
      hint: expect.stringMatching(hint),
    })
  })
})

describe('long lines', () => {
  const long = () =>
    Buffer.concat([Buffer.from('{"text":"'), Buffer.alloc(LINE_LIMIT, 'a'), Buffer.from('"}\n')])

  test('a line of JSON over the limit is an error of that line; the next one is read', async () => {
    const lines = await linesOf(
      file('long.jsonl', Buffer.concat([long(), Buffer.from('{"text":"a cat"}\n')])),
    )
    expect(lines).toMatchObject([
      {
        line: 1,
        error: { code: 'data/line', message: expect.stringMatching(/line 1: the line is longer than/) },
      },
      { line: 2, item: { text: 'a cat' } },
    ])
  })

  test.each(['a', `${'a'.repeat(999)}\n`])('a cell over the limit refuses the table (%#)', async (unit) => {
    const cell = Buffer.alloc(LINE_LIMIT + 10, unit)
    const content = Buffer.concat([Buffer.from('text\nfine\n"'), cell, Buffer.from('"\n')])
    await expect(openItems(file('long.csv', content))).rejects.toMatchObject({
      code: 'data/table',
      message: expect.stringMatching(/longer than 67108864 bytes/),
    })
  })

  test('lines are the same, wherever pieces end', async () => {
    const text = 'a\r\n\nbc\r\rd\n\r\ne'
    const split = async (length: number, limit?: number) => {
      const found: (string | undefined)[] = []
      const pieces = async function* () {
        for (let at = 0; at < text.length; at += length) yield Buffer.from(text.slice(at, at + length))
      }
      for await (const { bytes: line } of byteLines(pieces(), limit))
        found.push(line === undefined ? undefined : Buffer.from(line).toString())
      return found
    }
    for (let length = 1; length <= text.length; length++) {
      expect(await split(length)).toEqual(['a', '', 'bc', '', 'd', '', 'e'])
      expect(await split(length, 1)).toEqual(['a', '', undefined, '', 'd', '', 'e'])
    }
  })
})
