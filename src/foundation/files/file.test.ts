/**
 * @file Atomic writes: what happens on success, when the source fails midway, and when the disk is
 * full.
 */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { InterruptedError } from '../numeric/errors.ts'
import {
  jsonObject,
  makeFolder,
  openToRead,
  piecesOf,
  readAll,
  readJson,
  readText,
  writeFileAtomic,
} from './file.ts'

const folder = mkdtempSync(join(tmpdir(), 'bifocal-file-'))
const path = join(folder, 'sub/out.txt')
afterAll(() => rmSync(folder, { recursive: true }))

test.each<[string, Parameters<typeof writeFileAtomic>[1]]>([
  ['text', 'héllo'],
  ['bytes', new TextEncoder().encode('héllo')],
  ['chunks', [new TextEncoder().encode('hé'), new Uint8Array(0), new TextEncoder().encode('llo')]],
])('%s replaces the file, makes the folder and leaves nothing else', async (_, content) => {
  await writeFileAtomic(path, 'before')
  await writeFileAtomic(path, content)
  expect(await readText(path)).toBe('héllo')
  expect(readdirSync(join(folder, 'sub'))).toEqual(['out.txt'])
})

describe('bytes of a file', () => {
  const file = join(folder, 'bytes')
  const read = async (length: number, position: number) => {
    writeFileSync(file, new Uint8Array([0, 1, 2, 3, 4]))
    const handle = await openToRead(file)
    const bytes = new Uint8Array(length)
    const count = await readAll(handle, file, bytes, position).finally(() => handle.close())
    return [...bytes.subarray(0, count)]
  }

  test('are read from a place of their own', async () => expect(await read(2, 3)).toEqual([3, 4]))
  test('end where the file does', async () => expect(await read(9, 3)).toEqual([3, 4]))
  test('begin after the end: none', async () => expect(await read(9, 5)).toEqual([]))
  test('of an absent file, of a folder: refused before it is opened', async () => {
    await expect(openToRead(join(folder, 'absent'))).rejects.toMatchObject({ code: 'file/missing' })
    await expect(openToRead(folder)).rejects.toMatchObject({ code: 'file/read' })
  })
})

describe('a write that fails midway', () => {
  async function* failing(cause: Error): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(100)
    throw cause
  }

  test.each<[string, Error, string]>([
    [
      'a full disk',
      Object.assign(new TypeError('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }),
      'file/disk-full',
    ],
    ['a used-up quota', Object.assign(new TypeError('EDQUOT'), { code: 'EDQUOT' }), 'file/disk-full'],
    ['any other trouble', Object.assign(new TypeError('EIO'), { code: 'EIO' }), 'file/write'],
    ['an interruption', new InterruptedError('writing'), 'interrupted'],
  ])('%s leaves the old file and no temporary one', async (_, cause, code) => {
    await writeFileAtomic(path, 'before')
    await expect(writeFileAtomic(path, failing(cause))).rejects.toMatchObject({ code })
    expect(readFileSync(path, 'utf8')).toBe('before')
    expect(readdirSync(join(folder, 'sub'))).toEqual(['out.txt'])
  })

  test.runIf(existsSync('/proc/self'))(
    'a folder that cannot be made in an existing one, without hanging',
    async () => {
      await expect(writeFileAtomic('/proc/none/deeper/file.json', '{}')).rejects.toMatchObject({
        code: 'file/write',
      })
    },
  )

  test('a folder that is a file', async () => {
    await writeFileAtomic(path, 'before')
    await expect(writeFileAtomic(join(path, 'below'), '')).rejects.toMatchObject({
      code: 'file/write',
      exitCode: 1,
    })
  })
})

test.each([
  ['file/missing', undefined],
  ['file/json', '{"a": 1'],
  ['file/schema', '3'],
])('reading JSON: %s', async (code, content) => {
  const bad = join(folder, 'bad.json')
  if (content === undefined) rmSync(bad, { force: true })
  else writeFileSync(bad, content)
  await expect(readJson(bad, jsonObject)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(bad),
    exitCode: 3,
  })
})

test('of many problems the first few are told, with what stands there', async () => {
  const bad = join(folder, 'index.json')
  writeFileSync(
    bad,
    JSON.stringify({ map: Object.fromEntries(Array.from({ length: 225 }, (_, i) => [`w${i}`, i])) }),
  )
  await expect(readJson(bad, z.object({ map: z.record(z.string(), z.string()) }))).rejects.toMatchObject({
    message: expect.stringMatching(/index\.json has .*map\.w1: [^;]*string[^;]*, got 1;.*; and 217 more$/),
    hint: expect.stringContaining('Correct these keys'),
  })
})

test('an array of more than 4 GiB, too long for one of bytes, is seen in pieces', () => {
  const elements = 2 ** 30 + 1
  const lengths = Array.from(piecesOf(new Float32Array(elements)), ({ length }) => length)
  expect(lengths).toEqual([2 ** 30, 2 ** 30, 2 ** 30, 2 ** 30, 4])
  const part = new Uint16Array([1, 2, 3, 4, 5]).subarray(1, 4)
  expect(Array.from(piecesOf(part, 4), (piece) => [...piece])).toEqual([
    [2, 0, 3, 0],
    [4, 0],
  ])
})

test('a folder is not made where a file stands', async () => {
  writeFileSync(join(folder, 'taken'), '')
  await expect(makeFolder(join(folder, 'taken'))).rejects.toMatchObject({ code: 'EEXIST' })
  await makeFolder(join(folder, 'a/b/c'))
  await makeFolder(join(folder, 'a/b/c'))
  expect(existsSync(join(folder, 'a/b/c'))).toBe(true)
})
