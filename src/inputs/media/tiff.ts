/** @file The kinds of TIFF file whose pixels are read as Pillow reads them. */

import { MediaError } from './errors.ts'

const TAG = {
  bits: 258,
  compression: 259,
  photometric: 262,
  orientation: 274,
  planes: 284,
  tileWidth: 322,
  extra: 338,
  sampleFormat: 339,
} as const

/** None, CCITT 2 to 4, LZW, JPEG, deflate (two numbers), PackBits. */
const COMPRESSIONS = [1, 2, 3, 4, 5, 7, 8, 32946, 32773]
/** Grey (two ways), RGB, palette, CMYK, YCbCr. */
const PHOTOMETRICS = [0, 1, 2, 3, 5, 6]
const YCBCR = 6
const JPEG = 7
const ASSOCIATED_ALPHA = 1

/**
 * @throws MediaError `variant` for a kind that was not compared with Pillow, or that it reads
 *   otherwise; `bit-depth`; `damaged`
 */
export function checkTiff(bytes: Uint8Array, name: string): void {
  const tags = firstDirectory(bytes, name)
  const first = (tag: number): number | undefined => tags.get(tag)?.[0]
  const compression = first(TAG.compression) ?? 1
  if (!COMPRESSIONS.includes(compression)) throw variant(name, `compression ${compression}`)
  const photometric = first(TAG.photometric)
  if (photometric === undefined || !PHOTOMETRICS.includes(photometric))
    throw variant(name, `colours of kind ${photometric ?? 'unknown'}`)
  if (first(TAG.planes) === 2 && tags.has(TAG.tileWidth)) throw variant(name, 'tiles of one colour each')
  const bits = first(TAG.bits) ?? 1
  if (![1, 2, 4, 8].includes(bits)) {
    throw new MediaError('bit-depth', {
      message: `${name}: expected 8 bits a channel or fewer, got ${bits}`,
      hint: 'Convert the picture to 8 bits first.',
    })
  }
  if (photometric === YCBCR && compression !== JPEG) throw variant(name, 'YCbCr colours outside JPEG')
  // Pillow maps such a file into memory with its sides exchanged, and gives pixels at wrong places.
  if (compression === 1 && (first(TAG.orientation) ?? 1) > 4)
    throw variant(name, 'no compression and an orientation that exchanges its sides')
  if (tags.get(TAG.extra)?.includes(ASSOCIATED_ALPHA))
    throw variant(name, 'colours that are multiplied by alpha')
  const format = first(TAG.sampleFormat) ?? 1
  if (format !== 1) throw variant(name, 'numbers that are signed or have fractions')
}

/** Numbers of the first directory, by tag; of other kinds of value there is nothing. */
function firstDirectory(bytes: Uint8Array, name: string): Map<number, number[]> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const little = bytes[0] === 0x49
  const tags = new Map<number, number[]>()
  try {
    const start = view.getUint32(4, little)
    const entries = view.getUint16(start, little)
    for (let entry = 0; entry < entries; entry++) {
      const at = start + 2 + entry * 12
      const [tag, type, count] = [
        view.getUint16(at, little),
        view.getUint16(at + 2, little),
        view.getUint32(at + 4, little),
      ]
      const isShort = type === 3
      if ((!isShort && type !== 4) || count > 16) continue
      const size = isShort ? 2 : 4
      const place = count * size > 4 ? view.getUint32(at + 8, little) : at + 8
      const values = Array.from({ length: count }, (_, i) =>
        isShort ? view.getUint16(place + i * size, little) : view.getUint32(place + i * size, little),
      )
      tags.set(tag, values)
    }
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new MediaError('damaged', {
      message: `${name}: the TIFF file is cut short or damaged: its directory is not there`,
      hint: 'Download or write the picture again.',
      cause,
    })
  }
  return tags
}

function variant(name: string, what: string): MediaError {
  return new MediaError('variant', {
    message: `${name}: a TIFF file with ${what}, which is not read: its pixels might differ from the reference's`,
    hint: 'Convert the picture to PNG.',
  })
}
