import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import oracle from '../../../test/fixtures/media/decode.json' with { type: 'json' }
import { goldenDir, hasGolden } from '../../../test/golden.ts'
import { makeNamedPipe } from '../../../test/named-pipe.ts'
import { decodeImage } from './decode.ts'
import { MediaError } from './errors.ts'
import type { RgbImage } from './image.ts'

const fromBase64 = (text: string) => Buffer.from(text, 'base64')
const seen = ({ width, height, data }: RgbImage) => ({
  width,
  height,
  sha256: createHash('sha256').update(data).digest('hex').slice(0, 16),
})
const made = Object.entries(oracle.made)

/** A PNG chunk; the checksum is right, so that the header is believed. */
function chunk(type: string, body: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), body])
  const out = Buffer.alloc(typed.length + 8)
  out.writeUInt32BE(body.length, 0)
  typed.copy(out, 4)
  out.writeUInt32BE(crc32(typed), typed.length + 4)
  return out
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}

/** A PNG file that says it is `width`×`height` 8-bit RGB and has hardly any data. */
function lyingPng(width: number, height: number): Buffer {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0])
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  const data = Buffer.from('789c63000000010001', 'hex')
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

describe('pixels equal those of Pillow', () => {
  test.each(made)('%s', async (_, { bytes, ...expected }) => {
    expect(seen(await decodeImage(fromBase64(bytes)))).toEqual(expected)
  })

  // Reduced fixtures have some of the pictures.
  const golden = Object.entries(oracle.golden).flatMap(([path, expected]) => {
    const [fixture = '', ...file] = path.split('/')
    if (!hasGolden(fixture)) return []
    const found = join(goldenDir(fixture), ...file)
    return existsSync(found) ? [{ path, file: found, expected }] : []
  })
  test.each(golden)('$path', async ({ file, expected }) => {
    expect(seen(await decodeImage(file))).toEqual(expected)
  })
})

describe('refused with a code and a hint', () => {
  const cut = (name: keyof typeof oracle.made, part: number) =>
    fromBase64(oracle.made[name].bytes).subarray(0, part)
  const half = (name: keyof typeof oracle.made) => cut(name, fromBase64(oracle.made[name].bytes).length >> 1)
  const damaged = Buffer.from(fromBase64(oracle.made['rgb.png'].bytes))
  damaged.fill(0x55, 60, 90)
  const cases: [string, string, Uint8Array][] = [
    ...Object.entries(oracle.refused).map(([name, { code, bytes }]): [string, string, Uint8Array] => [
      name,
      code,
      fromBase64(bytes),
    ]),
    ['an empty file', 'media/empty', new Uint8Array()],
    ['text', 'media/format', Buffer.from('<!doctype html>404')],
    ['SVG', 'media/format', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>')],
    ['a PNG of 30000×30000 pixels', 'media/too-large', lyingPng(30_000, 30_000)],
    ['a PNG of 7000×7000 pixels without data', 'media/damaged', lyingPng(7_000, 7_000)],
    ['a PNG of 900000×900000 pixels', 'media/too-large', lyingPng(900_000, 900_000)],
    ['a PNG of 2^31-1 pixels a side', 'media/too-large', lyingPng(2 ** 31 - 1, 2 ** 31 - 1)],
    ['half a PNG', 'media/damaged', half('rgb.png')],
    ['half a JPEG', 'media/damaged', half('dense-444.jpg')],
    ['half a progressive JPEG', 'media/damaged', half('progressive.jpg')],
    ['half a WebP', 'media/damaged', half('lossy.webp')],
    ['a PNG of 8 bytes', 'media/damaged', cut('rgb.png', 8)],
    ['a JPEG of 3 bytes', 'media/damaged', cut('grey.jpg', 3)],
    ['a damaged PNG', 'media/damaged', damaged],
  ]
  test.each(cases)('%s: %s', async (_, code, bytes) => {
    const error = await decodeImage(bytes, { name: 'shop/7.png' }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(MediaError)
    expect(error).toMatchObject({
      code,
      exitCode: 3,
      hint: expect.stringMatching(/\.$/),
      message: expect.stringContaining('shop/7.png'),
    })
  })

  test('an absent file, an address on the net, a folder', async () => {
    await expect(decodeImage('no/such.png')).rejects.toMatchObject({ code: 'file/missing' })
    const address = { code: 'media/address', exitCode: 3, hint: expect.stringContaining('Download') }
    await expect(decodeImage('https://example.org/cat.png')).rejects.toMatchObject(address)
    await expect(decodeImage(tmpdir())).rejects.toMatchObject({ code: 'file/read' })
  })

  test.runIf(process.platform !== 'win32')('a pipe, which nobody may ever write to', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bifocal-pipe-'))
    try {
      makeNamedPipe(join(folder, 'cat.png'))
      const refused = {
        code: 'file/read',
        exitCode: 3,
        message: expect.stringMatching(/cat\.png.*got a pipe/),
      }
      await expect(decodeImage(join(folder, 'cat.png'))).rejects.toMatchObject(refused)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('one pixel over the limit', async () => {
    const bytes = fromBase64(oracle.made['rgb.png'].bytes)
    await expect(decodeImage(bytes, { pixelLimit: 13 * 19 - 1 })).rejects.toMatchObject({
      code: 'media/too-large',
    })
    await expect(decodeImage(bytes, { pixelLimit: 13 * 19 })).resolves.toMatchObject({
      width: 19,
      height: 13,
    })
  })
})

test('a path and its bytes give the same picture', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bifocal-decode-'))
  try {
    const path = join(folder, 'picture')
    const bytes = fromBase64(oracle.made['alpha.webp'].bytes)
    await writeFile(path, bytes)
    expect(seen(await decodeImage(path))).toEqual(seen(await decodeImage(bytes)))
  } finally {
    await rm(folder, { recursive: true })
  }
})
