import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { wholeFixtures } from '../../../test/golden.ts'
import { table } from '../../../test/items.ts'
import { parquetOf } from '../../../test/parquet-files.ts'
import { type ByteSource, memoryBytes } from '../../foundation/files/byte-source.ts'
import { stream } from '../../foundation/numeric/random.ts'
import { ParquetCells } from './parquet-cells.ts'
import { columnValues, openParquetFile } from './parquet-file.ts'
import { Recent } from './recent.ts'

/** Every value of a file, once in columns and once one by one. */
async function bothWays(bytes: Uint8Array) {
  const file = await openParquetFile(memoryBytes('file.parquet', bytes))
  const cells = new ParquetCells(file)
  const columns: unknown[] = []
  const single: unknown[] = []
  for (const [group, { num_rows: rows }] of file.metadata.row_groups.entries())
    for (const node of file.root.children) {
      columns.push(...(await columnValues(file, group, node)))
      for (let row = 0; row < Number(rows); row++) single.push(await cells.value(node, group, row))
    }
  return { columns, single }
}

/** Bytes that do not pack. */
function picture(i: number): Uint8Array {
  const random = stream('picture', i)
  return Uint8Array.from({ length: 2000 }, () => random() * 256)
}

const pictures = Array.from({ length: 60 }, (_, i) => ({
  bytes: i % 7 === 0 ? null : picture(i),
  path: `${i}.png`,
}))
const written = parquetOf(
  [
    { name: 'image', form: { struct: { bytes: 'bytes', path: 'text' } }, data: pictures },
    { name: 'label', form: 'text', data: pictures.map((_, i) => (i % 5 === 0 ? null : `class ${i % 3}`)) },
    { name: 'lists', form: { list: 'text' }, data: pictures.map((_, i) => ['a', `${i}`].slice(0, i % 3)) },
  ],
  40,
  8000,
)

describe('each value alone is the value of its column', () => {
  test('in a file of small pages', async () => {
    const { columns, single } = await bothWays(written)
    expect(columns.length).toBe(180)
    expect(single).toEqual(columns)
  })

  test('in a file of every type', async () => {
    const { columns, single } = await bothWays(readFileSync(table('types.parquet')))
    expect(single).toEqual(columns)
  })

  const fixture = join(wholeFixtures, 'bench-mmeb/eval')
  const names = existsSync(fixture) ? readdirSync(fixture).filter((name) => name !== 'images') : []
  test.each(names)('in a file as other programs write it: %s', async (name) => {
    const { columns, single } = await bothWays(
      readFileSync(join(fixture, name, 'test-00000-of-00001.parquet')),
    )
    expect(single).toEqual(columns)
  })
})

test('of a large file little is read for a row', async () => {
  let read = 0
  const whole = memoryBytes('file.parquet', written)
  const counted: ByteSource = {
    ...whole,
    read: (start, length) => {
      read += length
      return whole.read(start, length)
    },
  }
  const file = await openParquetFile(counted)
  const cells = new ParquetCells(file)
  const image = file.root.children[0]!
  await cells.value(image, 0, 3)
  read = 0
  expect(await cells.value(image, 0, 38)).toEqual({ bytes: picture(38), path: '38.png' })
  expect(read).toBeGreaterThan(1000)
  expect(read).toBeLessThan(written.length / 4)
  read = 0
  await cells.value(image, 0, 38)
  expect(read).toBe(0)
})

test('a file with any byte changed gives values, or a typed error', async () => {
  const codes = new Set<unknown>()
  for (let at = 4; at < written.length; at += 97) {
    const changed = Buffer.from(written)
    changed[at]! ^= 0xff
    await bothWays(changed).catch((error: unknown) => {
      codes.add(error instanceof Error && 'code' in error ? error.code : error)
    })
  }
  expect([...codes]).toEqual(['data/table'])
})

describe('values that were used lately', () => {
  test('are kept up to a number of bytes, the oldest are made anew', async () => {
    const recent = new Recent<string>(10)
    const made: string[] = []
    const get = (key: string, bytes = 4) =>
      recent.get(key, bytes, async () => {
        made.push(key)
        return key
      })
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) await get(key)
    expect(made).toEqual(['a', 'b', 'c', 'b'])
    await get('large', 100)
    await get('large', 100)
    expect(made.at(-1)).toBe('large')
    expect(made.length).toBe(5)
  })

  test('a failure is not kept', async () => {
    const recent = new Recent<string>(10)
    await expect(recent.get('a', 1, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await recent.get('a', 1, async () => 'yes')).toBe('yes')
  })
})
