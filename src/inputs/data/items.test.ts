import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ItemColumns } from './columns.ts'
import { type ItemLine, type ItemSource, openItems, pipedItems } from './source.ts'

let root: string
const at = (name: string) => join(root, name)
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-items-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function linesOf(path: string, columns?: ItemColumns): Promise<ItemLine[]> {
  const source = await openItems(path, columns)
  const lines = await collected(source)
  expect(source.total).toBe(lines.length)
  return lines
}

async function collected(source: ItemSource): Promise<ItemLine[]> {
  const lines: ItemLine[] = []
  for await (const line of source.lines()) lines.push(line)
  return lines
}

async function* inPieces(text: string, length = 4099): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let start = 0; start < bytes.length; start += length) yield bytes.subarray(start, start + length)
}

async function linesIn(
  name: string,
  content: string | Uint8Array,
  columns?: ItemColumns,
): Promise<ItemLine[]> {
  writeFileSync(at(name), content)
  return await linesOf(at(name), columns)
}

const codeOf = (line: ItemLine | undefined) =>
  line !== undefined && 'error' in line ? [line.line, line.error.code] : line

describe('JSON lines', () => {
  test('instruction, text, pictures and id; paths are relative to the file', async () => {
    const lines = await linesIn(
      'a.jsonl',
      '\uFEFF{"id":7,"instruction":"Find","text":"a cat","image":"b/c.png"}\n\n{"image":["x.png","/y.png"]}\r\n{"text":"a","image":null}\n{"text":"a","image":""}\n',
    )
    expect(lines).toEqual([
      { line: 1, id: '7', item: { instruction: 'Find', text: 'a cat', image: at('b/c.png') } },
      { line: 3, item: { instruction: undefined, text: undefined, image: [at('x.png'), '/y.png'] } },
      { line: 4, item: { instruction: undefined, text: 'a', image: undefined } },
      { line: 5, item: { instruction: undefined, text: 'a', image: undefined } },
    ])
  })

  test('a picture inside a line', async () => {
    const [line] = await linesIn(
      'data.jsonl',
      `{"image":"data:image/png;base64,${Buffer.from([1, 2, 3]).toString('base64')}"}`,
    )
    expect(line).toMatchObject({ item: { image: Buffer.from([1, 2, 3]) } })
  })

  test('an address on the net stays one, for the message', async () => {
    const [line] = await linesIn('net.jsonl', '{"image":"http://example.org/c.png"}')
    expect(line).toMatchObject({ item: { image: 'http://example.org/c.png' } })
  })

  test.each([
    ['no known key', '{"txt":"a","id":1}', /none of the keys instruction, text, image; its keys are txt, id/],
    ['a number as text', '{"text":5}', /text: expected text, got the number 5/],
    ['a number as picture', '{"image":5}', /image: expected a picture/],
    ['no object', '"a cat"', /expected an object/],
    ['no JSON', '{"text":', /JSON/],
  ])('%s is an error of its line only', async (_, content, says) => {
    const lines = await linesIn('bad.jsonl', `${content}\n{"text":"fine"}\n`)
    expect(codeOf(lines[0])).toEqual([1, 'data/line'])
    expect(lines[0]).toMatchObject({ error: { message: expect.stringMatching(says) } })
    expect(lines[1]).toMatchObject({ item: { text: 'fine' } })
  })

  test('long lines, many lines, characters that end lines elsewhere: a file gives what the same text gives in pieces', async () => {
    const texts = [
      'ü'.repeat(1_500_001),
      'a\u2028b\u2029c\u0085d',
      ...Array.from({ length: 5000 }, (_, i) => `cat ${i} 猫`.repeat(1 + (i % 60))),
    ]
    const content = `\uFEFF${texts.map((text) => JSON.stringify({ text })).join('\n\r\n')}`
    const lines = await linesIn('long.jsonl', content)
    const piped = await pipedItems(inPieces(content), { name: at('long.jsonl'), folder: root, columns: {} })
    expect(piped.total).toBeUndefined()
    expect(await collected(piped)).toEqual(lines)
    expect(lines.map((line) => 'item' in line && line.item.text)).toEqual(texts)
    expect(lines.at(-1)!.line).toBe(2 * texts.length - 1)
  })

  test('a line of another encoding is an error of its line, U+FFFD itself is none', async () => {
    const lines = await linesIn(
      'latin.jsonl',
      Buffer.concat([Buffer.from('{"text":"\uFFFD"}\n'), Buffer.from('{"text":"cät"}', 'latin1')]),
    )
    expect(lines[0]).toMatchObject({ item: { text: '\uFFFD' } })
    expect(codeOf(lines[1])).toEqual([2, 'data/line'])
    expect(lines[1]).toMatchObject({
      error: { message: expect.stringMatching(/latin\.jsonl, line 2: .*UTF-8/) },
    })
  })

  test('other names for the parts; then other keys do not count', async () => {
    const place = { name: 'stdin', folder: '.', columns: { text: 'caption' } }
    const source = await pipedItems(inPieces('{"caption":"a cat","rank":3}'), place)
    expect(await collected(source)).toMatchObject([{ item: { text: 'a cat' } }])
  })

  test('piped ones are given as they come; of blank lines none is', async () => {
    const place = { name: 'stdin', folder: '.', columns: {} }
    let asked = 0
    const endless = async function* () {
      for (;;) yield Buffer.from(`{"text":"cat ${asked++}"}\n`)
    }
    const seen: ItemLine[] = []
    for await (const line of (await pipedItems(endless(), place)).lines()) if (seen.push(line) === 3) break
    expect(seen).toMatchObject([0, 1, 2].map((i) => ({ line: i + 1, item: { text: `cat ${i}` } })))
    expect(asked).toBeLessThan(6)
    expect(await pipedItems(inPieces(' \n\n'), place)).toMatchObject({ total: 0 })
  })
})

describe('tables of text', () => {
  test('quotes, line breaks in cells, other columns, lists of pictures', async () => {
    const lines = await linesIn(
      'a.csv',
      '\uFEFFid,text,image,price\n1,"a ""big""\ncat, red",c.png,3\n\n2,,"[""a.png"",""b.png""]",\n',
    )
    expect(lines).toEqual([
      { line: 3, id: '1', item: { instruction: undefined, text: 'a "big"\ncat, red', image: at('c.png') } },
      { line: 5, id: '2', item: { instruction: undefined, text: '', image: [at('a.png'), at('b.png')] } },
    ])
  })

  test('tabs, and columns by other names', async () => {
    const lines = await linesIn('a.tsv', 'caption\tpath\na "cat"\tc.png\n'.replaceAll('"', ''), {
      text: 'caption',
      image: 'path',
    })
    expect(lines).toEqual([{ line: 2, item: { instruction: undefined, text: 'a cat', image: at('c.png') } }])
  })

  test.each([
    ['no column to embed', 'id,price\n1,2\n', undefined, 'data/columns', /columns are id, price/],
    ['a named column that is not there', 'text\na\n', { image: 'path' }, 'data/columns', /no column path/],
    [
      'a column that is there twice',
      'id,text,text\n1,a,b\n',
      undefined,
      'data/columns',
      /column text more than once/,
    ],
    [
      'another encoding',
      Buffer.from('text\na cat\nein K\u00e4tzchen\n', 'latin1'),
      undefined,
      'data/table',
      /line 3: .*UTF-8/,
    ],
    ['a row of another length', 'text,image\na\n', undefined, 'data/table', /line 2/],
    ['an open quote', 'text\n"a\n', undefined, 'data/table', /[Qq]uote/],
  ] as const)('%s is refused', async (_, content, columns, code, says) => {
    await expect(linesIn('bad.csv', content, columns)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(says),
    })
  })

  test('UTF-16 with its mark, and columns that nobody asks for twice', async () => {
    const lines = await linesIn('wide.csv', Buffer.from('\uFEFFtext,,\na cät,,\n', 'utf16le'))
    expect(lines).toMatchObject([{ line: 2, item: { text: 'a cät' } }])
  })

  test('many rows', async () => {
    const texts = Array.from({ length: 5000 }, (_, i) => `${i} "猫",\n`.repeat(1 + (i % 30)))
    const rows = texts.map((text) => `"${text.replaceAll('"', '""')}"\n`)
    const lines = await linesIn('many.csv', `text\n${rows.join('')}`)
    expect(lines.map((line) => 'item' in line && line.item.text)).toEqual(texts)
  })

  test('without rows there are no items', async () => {
    expect(await linesIn('empty.csv', '')).toEqual([])
    expect(await linesIn('header.csv', 'text\n')).toEqual([])
  })
})

describe('Parquet', () => {
  const bytes = new Uint8Array([9, 8, 7])

  test('texts, bytes of pictures, the pictures of Hugging Face datasets, several row groups', async () => {
    const file = parquetWriteBuffer({
      rowGroupSize: 2,
      columnData: [
        { name: 'id', data: [1n, 2n, 3n] },
        { name: 'text', data: ['ä cat', null, 'a dog'] },
        { name: 'other', data: [1, 2, 3] },
        { name: 'image', data: [null, { bytes, path: null }, { bytes: null, path: 'c.png' }] },
      ],
      schema: [
        { name: 'root', num_children: 4 },
        { name: 'id', type: 'INT64', repetition_type: 'OPTIONAL' },
        { name: 'text', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
        { name: 'other', type: 'INT32', repetition_type: 'OPTIONAL' },
        { name: 'image', repetition_type: 'OPTIONAL', num_children: 2 },
        { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
        { name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
      ],
    })
    expect(await linesIn('a.parquet', new Uint8Array(file))).toEqual([
      { line: 1, id: '1', item: { instruction: undefined, text: 'ä cat', image: undefined } },
      { line: 2, id: '2', item: { instruction: undefined, text: undefined, image: bytes } },
      { line: 3, id: '3', item: { instruction: undefined, text: 'a dog', image: at('c.png') } },
    ])
  })

  test.each([
    ['a text', new TextEncoder().encode('text\na cat\n'), 'data/table'],
    ['nothing', new Uint8Array(), 'data/table'],
    [
      'no column to embed',
      new Uint8Array(parquetWriteBuffer({ columnData: [{ name: 'price', data: [1] }] })),
      'data/columns',
    ],
  ])('%s is refused', async (_, content, code) => {
    await expect(linesIn('bad.parquet', content)).rejects.toMatchObject({ code })
  })

  test.each(['none.parquet', 'none.jsonl', 'none.csv'])('an absent file: %s', async (name) => {
    await expect(openItems(at(name))).rejects.toMatchObject({ code: 'file/missing' })
  })
})

test('a folder gives its pictures by path, those of its folders too', async () => {
  mkdirSync(at('pictures/.cache'), { recursive: true })
  mkdirSync(at('pictures/b'))
  for (const name of ['z.PNG', 'b/a.webp', 'notes.txt', '.hidden.png', '.cache/c.png', 'a.jpeg'])
    writeFileSync(at(`pictures/${name}`), '')
  expect(await linesOf(at('pictures'))).toEqual([
    { line: 1, id: 'a.jpeg', item: { image: at('pictures/a.jpeg') } },
    { line: 2, id: 'b/a.webp', item: { image: at('pictures/b/a.webp') } },
    { line: 3, id: 'z.PNG', item: { image: at('pictures/z.PNG') } },
  ])
  await expect(openItems(at('pictures'), { text: 'caption' })).rejects.toMatchObject({
    code: 'data/columns',
    exitCode: 2,
  })
})

test('links in a folder are followed, to each folder once', async () => {
  mkdirSync(at('linked/z'), { recursive: true })
  mkdirSync(at('elsewhere'))
  for (const name of ['linked/z/a.png', 'elsewhere/b.png']) writeFileSync(at(name), '')
  symlinkSync(at('linked'), at('linked/loop'))
  symlinkSync(at('linked/z'), at('linked/a'))
  symlinkSync(at('elsewhere'), at('linked/other'))
  symlinkSync(at('none.png'), at('linked/broken.png'))
  expect((await linesOf(at('linked'))).map(({ id }) => id)).toEqual(['broken.png', 'other/b.png', 'z/a.png'])
})
