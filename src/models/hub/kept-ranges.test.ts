import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { memoryBytes } from '../../foundation/files/byte-source.ts'
import { keptRanges } from './kept-ranges.ts'

const dir = mkdtempSync(join(tmpdir(), 'bifocal-ranges-'))
afterAll(() => rmSync(dir, { recursive: true }))

const BLOCK = 2 ** 17
const bytes = Uint8Array.from({ length: 3 * BLOCK + 100 }, (_, i) => (i * 31 + (i >> 9)) % 251)

/** A source that notes what is asked of it. */
function asked(folder: string) {
  const reads: [number, number][] = []
  const whole = memoryBytes('archive', bytes)
  const source = keptRanges(
    {
      ...whole,
      read: async (start, length) => {
        reads.push([start, length])
        return await whole.read(start, length)
      },
    },
    join(dir, folder),
  )
  return { source, reads }
}

test.each([
  [0, 10],
  [BLOCK - 5, 10],
  [5, 2 * BLOCK],
  [3 * BLOCK, 100],
  [0, bytes.length],
])('from byte %d, %d bytes', async (start, length) => {
  const { source } = asked(`at ${start} ${length}`)
  for (let time = 0; time < 2; time++)
    expect(Buffer.compare(await source.read(start, length), bytes.subarray(start, start + length))).toBe(0)
})

test('a block is asked for once, neighbours together, also by the next run', async () => {
  const first = asked('once')
  await first.source.read(BLOCK + 3, 5)
  await first.source.read(0, bytes.length)
  expect(first.reads).toEqual([
    [BLOCK, BLOCK],
    [0, BLOCK],
    [2 * BLOCK, BLOCK + 100],
  ])
  const next = asked('once')
  await next.source.read(0, bytes.length)
  expect(next.reads).toEqual([])
})

test('a block that is cut short is asked for again', async () => {
  const { source, reads } = asked('cut')
  await source.read(0, 10)
  const [name] = readdirSync(join(dir, 'cut'))
  writeFileSync(join(dir, 'cut', name!), 'short')
  expect(await source.read(0, 3)).toEqual(bytes.slice(0, 3))
  expect(reads.length).toBe(2)
})

test('a range outside the file is refused', async () => {
  await expect(asked('outside').source.read(bytes.length, 1)).rejects.toMatchObject({ code: 'file/read' })
})
