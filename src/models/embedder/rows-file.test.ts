/** @file Image rows on disk come back to the bit, and damage costs no more than a record. */

import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { RowsFile } from './rows-file.ts'

const dir = mkdtempSync(join(tmpdir(), 'bifocal-rows-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const path = join(dir, 'rows.bin')
const fingerprint = 'of a tower'
const first = Float32Array.from([1, 0.1, -0, 1e-40])
const second = Float32Array.from({ length: 300 }, (_, i) => Math.sin(i))

beforeEach(async () => {
  rmSync(path, { force: true })
  const rows = await RowsFile.open(path, { fingerprint })
  await rows.write('', new Float32Array(0))
  await rows.write('a', first)
  await rows.write('né', second)
  await rows.close()
})

async function read(key: string, name = fingerprint) {
  const rows = await RowsFile.open(path, { fingerprint: name })
  const found = await rows.read(key)
  await rows.close()
  return found
}

test('rows come back as they were', async () => {
  expect(await read('a')).toEqual(first)
  expect(await read('né')).toEqual(second)
  expect(await read('')).toEqual(new Float32Array(0))
  expect(await read('b')).toBeUndefined()
})

test('a record that was cut is dropped, and written again behind the whole ones', async () => {
  truncateSync(path, readFileSync(path).length - 1)
  const rows = await RowsFile.open(path, { fingerprint })
  expect([rows.has('a'), rows.has('né')]).toEqual([true, false])
  await rows.write('né', second)
  await rows.close()
  expect(await read('né')).toEqual(second)
  expect(await read('a')).toEqual(first)
})

test('a damaged record counts as absent', async () => {
  const bytes = readFileSync(path)
  bytes[bytes.length - 5]! ^= 1
  writeFileSync(path, bytes)
  expect(await read('né')).toBeUndefined()
  expect(await read('a')).toEqual(first)
})

test('rows of another tower are not taken', async () => {
  expect(await read('a', 'of another tower')).toBeUndefined()
})

test('nothing is kept beyond the limit', async () => {
  const rows = await RowsFile.open(path, { fingerprint, most: readFileSync(path).length + 100 })
  await rows.write('large', second)
  await rows.write('small', first)
  expect([rows.has('large'), rows.has('small')]).toEqual([false, true])
  await rows.close()
})
