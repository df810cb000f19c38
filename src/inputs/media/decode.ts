/**
 * @file PNG, JPEG and WebP files to 8-bit RGB, equal to Pillow's `Image.open(…).convert('RGB')`:
 * EXIF orientation and colour profiles are ignored, alpha is dropped and the colour under it kept
 * (specs/ar-vlms.md §10). What Pillow and we would read differently, or what the reference
 * processors were never used with, is refused.
 */

import { readFile } from 'node:fs/promises'
import sharp, { type Metadata } from 'sharp'
import { readFailure } from '../../foundation/files/errors.ts'
import { sizeOfFile } from '../../foundation/files/file.ts'
import { MediaError } from './errors.ts'
import type { RgbImage } from './image.ts'

export interface DecodeOptions {
  /**
   * Pictures with more pixels are refused from their header, before anything is decoded; default 64
   * million (192 MB of RGB).
   */
  pixelLimit?: number
  /** What to call the picture in errors; default its path, or `picture`. */
  name?: string
}

const PIXEL_LIMIT = 64_000_000
/** No picture under the pixel limit needs a file this large. */
const FILE_LIMIT = 512 * 2 ** 20

/**
 * Reads one picture from a path or from the bytes of a file.
 * @returns `[height, width, 3] u8`
 * @throws MediaError `empty`, `format`, `damaged`, `too-large`, `bit-depth`, `colour-space`,
 *   `animated`; FileError `file/missing`, `file/read`
 * @example const image = await decodeImage('cat.png')
 */
export async function decodeImage(
  source: string | Uint8Array,
  options: DecodeOptions = {},
): Promise<RgbImage> {
  const name = options.name ?? (typeof source === 'string' ? source : 'picture')
  const bytes = typeof source === 'string' ? await readPictureFile(source) : source
  checkFormat(bytes, name)
  const pixelLimit = options.pixelLimit ?? PIXEL_LIMIT
  if (startsWith(bytes, PNG)) checkPngSize(bytes, name, pixelLimit)
  const input = { ignoreIcc: true, failOn: 'error', limitInputPixels: false } as const
  try {
    checkHeader(await sharp(bytes, input).metadata(), name, pixelLimit)
    // One band becomes three and palettes are expanded by the colour space; a fourth band is alpha.
    const { data, info } = await sharp(bytes, input)
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true })
    return {
      width: info.width,
      height: info.height,
      data: new Uint8Array(data.buffer, data.byteOffset, data.length),
    }
  } catch (cause) {
    throw cause instanceof MediaError ? cause : undecodable(cause, name)
  }
}

/**
 * The bytes of a picture's file, for those who want to know it before it is decoded.
 * @throws MediaError `media/too-large`, `media/address`; FileError `file/missing`, `file/read`
 */
export async function readPictureFile(path: string): Promise<Uint8Array> {
  if (isAddress(path)) {
    throw new MediaError('address', {
      message: `${path} is an address on the net: expected the path of a file, pictures are not fetched`,
      hint: 'Download the picture first, then name its file.',
    })
  }
  const size = await sizeOfFile(path)
  if (size > FILE_LIMIT) throw tooLarge(path, `a file of ${size} bytes, more than ${FILE_LIMIT}`)
  return await readFile(path).catch((cause: unknown) => {
    throw readFailure(path, cause)
  })
}

/** Of a picture on the net. A scheme of one letter would be a drive of Windows. */
export function isAddress(path: string): boolean {
  return /^[a-z][a-z\d+.-]+:\/\//i.test(path)
}

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
const JPEG = [0xff, 0xd8, 0xff]
const RIFF = [0x52, 0x49, 0x46, 0x46]
const WEBP = [0x57, 0x45, 0x42, 0x50]

/**
 * Only the three formats that were compared with Pillow reach the decoder: it would also render
 * SVG, PDF and more.
 */
function checkFormat(bytes: Uint8Array, name: string): void {
  if (bytes.length === 0)
    throw new MediaError('empty', {
      message: `${name}: the file is empty`,
      hint: 'Download or write the picture again.',
    })
  const png = startsWith(bytes, PNG)
  if (!png && !startsWith(bytes, JPEG) && !(startsWith(bytes, RIFF) && startsWith(bytes, WEBP, 8))) {
    throw new MediaError('format', {
      message: `${name}: expected a PNG, JPEG or WebP file, got one that starts with ${hex(bytes.subarray(0, 8))}`,
      hint: 'Convert the picture to PNG. An error page saved under a picture name also looks like this.',
    })
  }
  if (png && isAnimatedPng(bytes)) throw animated(name)
}

/** The decoder calls a PNG of more than some thousand million pixels damaged. */
function checkPngSize(bytes: Uint8Array, name: string, pixelLimit: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  // IHDR comes first, width and height at its head.
  if (bytes.length >= 24 && view.getUint32(12) === 0x49484452)
    checkPixels(view.getUint32(16), view.getUint32(20), name, pixelLimit)
}

/**
 * Animated PNG files announce themselves by an `acTL` chunk before the first `IDAT`; decoders that
 * do not know it show one frame.
 */
function isAnimatedPng(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 8; at + 8 <= bytes.length; at += view.getUint32(at) + 12) {
    const type = view.getUint32(at + 4)
    if (type === 0x6163544c) return true
    if (type === 0x49444154) return false
  }
  return false
}

function checkHeader(
  { width, height, depth, space, pages = 1 }: Metadata,
  name: string,
  pixelLimit: number,
): void {
  checkPixels(width, height, name, pixelLimit)
  if (pages > 1) throw animated(name)
  if (space === 'cmyk') {
    throw new MediaError('colour-space', {
      message: `${name}: expected red, green and blue or grey, got CMYK`,
      hint: 'Convert the picture to RGB first: there is more than one way to do it, and models were not trained on any.',
    })
  }
  if (depth !== 'uchar') {
    throw new MediaError('bit-depth', {
      message: `${name}: expected 8 bits a channel, got ${depth}`,
      hint: 'Convert the picture to 8 bits first.',
    })
  }
}

function checkPixels(width: number, height: number, name: string, pixelLimit: number): void {
  if (width * height > pixelLimit)
    throw tooLarge(name, `${width}×${height} pixels, more than the limit of ${pixelLimit}`)
}

function animated(name: string): MediaError {
  return new MediaError('animated', {
    message: `${name}: the picture is animated`,
    hint: 'Save the frame that you mean as a PNG file.',
  })
}

function tooLarge(name: string, what: string): MediaError {
  return new MediaError('too-large', {
    message: `${name}: ${what}`,
    hint: 'Scale the picture down first. In code, decodeImage takes a higher pixelLimit, and its pixels can be embedded.',
  })
}

/** The decoder's words do not tell a file that was cut short from one that was overwritten. */
function undecodable(cause: unknown, name: string): MediaError {
  return new MediaError('damaged', {
    message: `${name}: the picture is cut short or damaged (${reason(cause)})`,
    hint: 'Download or write the picture again.',
    cause,
  })
}

/** The decoder's own words on one line. */
function reason(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).trim().replace(/\s*\n\s*/g, '; ')
}

function startsWith(bytes: Uint8Array, magic: readonly number[], at = 0): boolean {
  return magic.every((byte, i) => bytes[at + i] === byte)
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}
