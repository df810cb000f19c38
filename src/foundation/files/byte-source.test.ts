import { mkdtempSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fileSource, memoryBytes, partOf, piecesOfSource } from './byte-source.ts'

const file = (text: string) => {
  const path = join(mkdtempSync(join(tmpdir(), 'bifocal-bytes-')), 'file')
  writeFileSync(path, text)
  return path
}
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString()

test('a file is read from any place', async () => {
  const source = await fileSource(file('0123456789'))
  expect(source.size).toBe(10)
  expect(textOf(await source.read(7, 3))).toBe('789')
  expect(textOf(await source.read(2, 4))).toBe('2345')
  expect(textOf(await source.read(10, 0))).toBe('')
  await source.close()
  await source.close()
})

test.each([
  [8, 3],
  [-1, 2],
  [0.5, 2],
  [0, 11],
])('bytes %d, %d long, of ten are refused', async (start, length) => {
  const source = await fileSource(file('0123456789'))
  await expect(source.read(start, length)).rejects.toMatchObject({ code: 'file/read' })
  await source.close()
})

test('a file that is written while it is open is noticed', async () => {
  const path = file('0123456789')
  const source = await fileSource(path)
  writeFileSync(path, '9876543210')
  utimesSync(path, 1, 1)
  await expect(source.read(0, 3)).rejects.toMatchObject({ code: 'file/changed' })
  await source.close()
})

test('a file that is missing is told by its path', async () => {
  await expect(fileSource('/no/such/file')).rejects.toMatchObject({ code: 'file/missing' })
})

test('a part counts from its own start, and ends where it ends', async () => {
  const part = partOf(memoryBytes('all', Buffer.from('0123456789')), 'part', 3, 4)
  expect(textOf(await part.read(1, 3))).toBe('456')
  await expect(part.read(1, 4)).rejects.toThrow(/part has 4 bytes/)
  expect(() => partOf(part, 'beyond', 2, 3)).toThrow(/file\/read|part has 4 bytes/)
})

test('the pieces of a source are the source', async () => {
  const pieces: string[] = []
  for await (const piece of piecesOfSource(memoryBytes('all', Buffer.from('0123456789')), 4))
    pieces.push(textOf(piece))
  expect(pieces).toEqual(['0123', '4567', '89'])
})
