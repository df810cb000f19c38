import { describe, expect, test } from 'vitest'
import { type ZipMember, zipOf } from '../../../test/zip-files.ts'
import { memoryBytes } from './byte-source.ts'
import { openZip } from './zip.ts'

const text = 'a picture, say. '.repeat(50)
const member = (more: Partial<ZipMember> = {}): ZipMember => ({
  name: 'a/b.png',
  bytes: Buffer.from(text),
  ...more,
})
const open = (bytes: Uint8Array) => openZip(memoryBytes('pictures.zip', bytes))
const read = async (members: readonly ZipMember[], name = 'a/b.png') =>
  Buffer.from(await (await open(zipOf(members))).read(name)).toString()

describe('a member', () => {
  test.each([
    ['stored', {}],
    ['deflated', { method: 8 }],
    ['with sizes in 64 bits', { method: 8, wide: true }],
    ['with other bytes before its data', { extra: Buffer.alloc(9, 7) }],
  ])('%s is read as it was', async (_, more) => {
    const before = { name: 'first', bytes: Buffer.from('x') }
    expect(await read([before, member(more)])).toBe(text)
  })

  test('stored is a source that is read where it lies', async () => {
    const zip = await open(zipOf([member()]))
    const source = await zip.open('a/b.png')
    expect(source.size).toBe(text.length)
    expect(Buffer.from(await source.read(2, 7)).toString()).toBe('picture')
  })

  test('deflated is a source too', async () => {
    const source = await (await open(zipOf([member({ method: 8 })]))).open('a/b.png')
    expect(Buffer.from(await source.read(2, 7)).toString()).toBe('picture')
  })

  test('is found by its name in either form of an accented letter', async () => {
    expect(await read([member({ name: 'cafe\u0301.png', flags: 0 })], 'caf\u00e9.png')).toBe(text)
  })

  test.each([
    ['of a wrong checksum', { crc: 1 }, /do not fit its checksum/],
    ['that is shorter than promised', { method: 8, size: 900 }, /has 800 bytes, the directory says 900/],
    ['that unpacks to more than promised', { method: 8, size: 100 }, /cannot be unpacked/],
    ['that promises an absurd size', { method: 8, size: 0xfffffff0 }, /packed bytes cannot hold/],
    ['that is encrypted', { flags: 0x801 }, /it is encrypted/],
    ['of an unknown method', { method: 93 }, /method 93/],
  ])('%s is refused', async (_, more, message) => {
    await expect(read([member(more)])).rejects.toMatchObject({
      code: 'file/archive-member',
      message: expect.stringMatching(message),
    })
  })

  test('twice with other bytes is refused, with the same bytes it is one', async () => {
    const other = member({ bytes: Buffer.from('other') })
    await expect(read([member(), other])).rejects.toThrow(/two members of this name/)
    expect(await read([member(), member({ method: 8 })])).toBe(text)
  })

  test('that is not there is told', async () => {
    await expect(read([member()], 'b.png')).rejects.toMatchObject({ code: 'file/missing' })
  })

  test.each(['../b.png', '/b.png', 'C:/b.png'])('called %s leads out of the archive', async (name) => {
    await expect(read([member({ name })], name)).rejects.toThrow(/leads out of the archive/)
  })
})

test("folders and macOS's own files are no members", async () => {
  const names = ['a/', 'a/._b.png', '__MACOSX/a/._b.png', '__MACOSX/a/b.png', 'a/.DS_Store', 'a/b.png']
  const zip = await open(zipOf(names.map((name) => ({ name, bytes: Buffer.from('') }))))
  expect(zip.members).toEqual(['a/b.png'])
})

describe('an archive', () => {
  test('cut short anywhere is refused, or its members are', async () => {
    const whole = zipOf([member({ method: 8 }), member({ name: 'c' })])
    for (let length = 0; length < whole.length; length += 7) {
      const failure = await open(whole.subarray(0, length)).catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'file/archive' })
    }
  })

  test('with any byte changed gives the same bytes, or a typed error', async () => {
    const whole = zipOf([member({ method: 8 })])
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole)
      changed[at]! ^= 0x55
      const found = await open(changed)
        .then(
          (zip) => zip.read('a/b.png'),
          (error: unknown) => Promise.reject(error),
        )
        .then(
          (bytes) => Buffer.from(bytes).toString(),
          (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
        )
      expect([text, 'file/archive', 'file/archive-member', 'file/missing']).toContain(found)
    }
  })

  test('of many members is read in few pieces', async () => {
    const bytes = zipOf(
      Array.from({ length: 5000 }, (_, i) => ({ name: `p/${i}`, bytes: Buffer.from(`${i}`) })),
    )
    let reads = 0
    const source = memoryBytes('many.zip', bytes)
    const zip = await openZip({
      ...source,
      read: (start, length) => {
        reads += 1
        return source.read(start, length)
      },
    })
    expect(zip.members.length).toBe(5000)
    expect(reads).toBeLessThan(10)
    expect(Buffer.from(await zip.read('p/4999')).toString()).toBe('4999')
  })
})
