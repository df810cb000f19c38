/**
 * @file BMP files, by bmp-ts. It reads some variants otherwise than Pillow (four and sixteen bits,
 * run lengths, palettes that are too short), so only those that were compared are given to it.
 */

import { decode } from 'bmp-ts'
import { MediaError } from './errors.ts'
import type { RgbImage, Size } from './image.ts'

/** The header of a BMP file, as far as it decides how the pixels are stored. */
interface BmpHeader extends Size {
  bits: number
  compression: number
  topDown: boolean
  /** Where the pixels begin. */
  offset: number
  colours: number
  paletteAt: number
  masks: readonly number[]
}

const HEADERS = [40, 52, 56, 108, 124]
const UNCOMPRESSED = 0
const BIT_FIELDS = 3

/** Red, green and blue of 32 bits, of those that Pillow reads. */
const MASKS = [
  [0xff0000, 0xff00, 0xff],
  [0xff000000, 0xff0000, 0xff00],
  [0xff, 0xff00, 0xff0000],
]

/**
 * Width and height, before anything is decoded.
 * @throws MediaError `damaged`, `variant`
 */
export function bmpSize(bytes: Uint8Array, name: string): Size {
  const { width, height } = readHeader(bytes, name)
  return { width, height }
}

/** @throws MediaError `damaged`, `variant` */
export function decodeBmp(bytes: Uint8Array, name: string): RgbImage {
  const header = readHeader(bytes, name)
  const { width, height } = header
  const rowBytes = Math.ceil((width * header.bits) / 32) * 4
  if (header.offset + rowBytes * height > bytes.length) throw damaged(name, 'pixels are missing')
  if (header.bits <= 8) checkIndexes(bytes, header, rowBytes, name)
  const { data } = decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  // Four bytes a pixel: alpha, blue, green, red.
  const rgb = new Uint8Array(width * height * 3)
  for (let to = 0, from = 0; to < rgb.length; to += 3, from += 4) {
    rgb[to] = data[from + 3]!
    rgb[to + 1] = data[from + 2]!
    rgb[to + 2] = data[from + 1]!
  }
  return { width, height, data: rgb }
}

function readHeader(bytes: Uint8Array, name: string): BmpHeader {
  if (bytes.length < 54) throw damaged(name, 'the header is missing')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const headerSize = view.getUint32(14, true)
  if (!HEADERS.includes(headerSize)) throw variant(name, `a header of ${headerSize} bytes`)
  const bits = view.getUint16(28, true)
  const compression = view.getUint32(30, true)
  const [width, signedHeight] = [view.getInt32(18, true), view.getInt32(22, true)]
  const topDown = signedHeight < 0
  const height = Math.abs(signedHeight)
  if (width < 1 || height < 1) throw damaged(name, `its size is ${width}×${signedHeight}`)
  if (compression !== UNCOMPRESSED && compression !== BIT_FIELDS)
    throw variant(name, `compression ${compression}`)
  const isTrueColour = bits === 24 || bits === 32
  if (!isTrueColour && bits !== 1 && bits !== 8) throw variant(name, `${bits} bits a pixel`)
  if (compression === BIT_FIELDS && bits !== 32) throw variant(name, `masks for ${bits} bits a pixel`)
  const given = view.getUint32(46, true)
  const colours = isTrueColour ? 0 : given || 2 ** bits
  const paletteAt = 14 + headerSize
  const offset = view.getUint32(10, true)
  const masksInside = headerSize >= 52
  if (compression === BIT_FIELDS && bytes.length < 66) throw damaged(name, 'the masks are missing')
  const masks = compression === BIT_FIELDS ? [54, 58, 62].map((at) => view.getUint32(at, true)) : []
  if (masks.length > 0 && !MASKS.some((known) => known.every((mask, i) => mask === masks[i])))
    throw variant(name, `the masks ${masks.map((mask) => mask.toString(16)).join(', ')}`)
  const expected = paletteAt + 4 * colours + (masks.length > 0 && !masksInside ? 12 : 0)
  if (!isTrueColour && (offset !== expected || colours > 2 ** bits))
    throw variant(name, 'a palette of another length than the header says')
  if (offset < paletteAt || offset > bytes.length) throw damaged(name, `its pixels begin at ${offset}`)
  return { width, height, bits, compression, topDown, offset, colours, paletteAt, masks }
}

/** A pixel beyond the palette has no colour; readers choose one each. */
function checkIndexes(
  bytes: Uint8Array,
  { width, height, bits, offset, colours }: BmpHeader,
  rowBytes: number,
  name: string,
): void {
  if (colours === 2 ** bits) return
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = offset + y * rowBytes
      const index = bits === 8 ? bytes[at + x]! : (bytes[at + (x >> 3)]! >> (7 - (x & 7))) & 1
      if (index >= colours) throw variant(name, `colour ${index} in a palette of ${colours}`)
    }
  }
}

function damaged(name: string, problem: string): MediaError {
  return new MediaError('damaged', {
    message: `${name}: the BMP file is cut short or damaged: ${problem}`,
    hint: 'Download or write the picture again.',
  })
}

function variant(name: string, what: string): MediaError {
  return new MediaError('variant', {
    message: `${name}: a BMP file with ${what}, which is not read: its pixels might differ from the reference's`,
    hint: 'Convert the picture to PNG.',
  })
}
