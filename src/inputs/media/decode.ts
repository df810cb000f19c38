/**
 * @file Picture files to 8-bit RGB, equal to Pillow's `Image.open(…).convert('RGB')`: PNG, JPEG,
 * WebP, GIF, TIFF and BMP. EXIF orientation and colour profiles are ignored, alpha is dropped and
 * the colour under it kept; of an animation the first frame is read (specs/ar-vlms.md §10). Files
 * that Pillow and we would read differently are refused.
 */

import { readFile } from 'node:fs/promises'
import sharp, { type Metadata, type Sharp } from 'sharp'
import { readFailure } from '../../foundation/files/errors.ts'
import { sizeOfFile } from '../../foundation/files/file.ts'
import { bmpSize, decodeBmp } from './bmp.ts'
import { MediaError } from './errors.ts'
import { firstGifFrame, type GifFrame } from './gif.ts'
import { type RgbImage, type Size, sizeText } from './image.ts'
import { checkTiff } from './tiff.ts'

export interface DecodeOptions {
  /**
   * Pictures with more pixels are refused from their header, before anything is decoded; default 64
   * million (192 MB of RGB).
   */
  pixelLimit?: number
  /** Name of the picture in errors; default its path, or `picture`. */
  name?: string
}

const PIXEL_LIMIT = 64_000_000
/** No picture under the pixel limit needs a file this large. */
const FILE_LIMIT = 512 * 2 ** 20

/**
 * Reads one picture from a path or from the bytes of a file.
 * @returns `[height, width, 3] u8`; `frames` where the file holds an animation
 * @throws MediaError `empty`, `format`, `variant`, `damaged`, `too-large`, `bit-depth`; FileError
 *   `file/missing`, `file/read`
 * @example const image = await decodeImage('cat.png')
 */
export async function decodeImage(
  source: string | Uint8Array,
  options: DecodeOptions = {},
): Promise<RgbImage> {
  const name = options.name ?? (typeof source === 'string' ? source : 'picture')
  const bytes = typeof source === 'string' ? await readPictureFile(source) : source
  const format = formatOf(bytes, name)
  const pixelLimit = options.pixelLimit ?? PIXEL_LIMIT
  try {
    if (format === 'bmp') {
      checkPixels(bmpSize(bytes, name), name, pixelLimit)
      return decodeBmp(bytes, name)
    }
    if (format === 'png') checkPngSize(bytes, name, pixelLimit)
    if (format === 'tiff') checkTiff(bytes, name)
    const header = await sharp(bytes, INPUT).metadata()
    checkHeader(header, name, pixelLimit)
    const frames = format === 'png' ? animatedPngFrames(bytes) : (header.pages ?? 1)
    const image = await decodeBySharp(bytes, format, header, name)
    return frames > 1 ? { ...image, frames } : image
  } catch (cause) {
    throw cause instanceof MediaError ? cause : undecodable(cause, name)
  }
}

const INPUT = { ignoreIcc: true, failOn: 'error', limitInputPixels: false } as const

async function decodeBySharp(
  bytes: Uint8Array,
  format: Format,
  { space }: Metadata,
  name: string,
): Promise<RgbImage> {
  // Pillow turns a TIFF file as its orientation says, and no other picture.
  const file = format === 'tiff' ? sharp(bytes, INPUT).autoOrient() : sharp(bytes, INPUT)
  if (space === 'cmyk')
    return rgbOfCmyk(await pixelsOf(file.pipelineColourspace('cmyk').toColourspace('cmyk')))
  if (format === 'gif') return onPalette(await pixelsOf(file.ensureAlpha()), firstGifFrame(bytes, name))
  // One band becomes three and palettes are expanded by the colour space; a fourth band is alpha.
  return await pixelsOf(file.toColourspace('srgb').removeAlpha())
}

/** All bands of a picture. */
async function pixelsOf(file: Sharp): Promise<RgbImage> {
  const { data, info } = await file.raw().toBuffer({ resolveWithObject: true })
  return {
    width: info.width,
    height: info.height,
    data: new Uint8Array(data.buffer, data.byteOffset, data.length),
  }
}

/** @param image four bytes a pixel; alpha is 0 or 255 */
function onPalette({ width, height, data }: RgbImage, frame: GifFrame): RgbImage {
  const rgb = new Uint8Array(width * height * 3)
  for (let y = 0, from = 0, to = 0; y < height; y++) {
    const inRow = y >= frame.top && y < frame.top + frame.height
    for (let x = 0; x < width; x++, from += 4, to += 3) {
      const inFrame = inRow && x >= frame.left && x < frame.left + frame.width
      if (inFrame && data[from + 3] !== 0) rgb.set(data.subarray(from, from + 3), to)
      else rgb.set(frame.undrawn, to)
    }
  }
  return { width, height, data: rgb }
}

/**
 * Pillow's formula, which knows nothing of inks (`Convert.c`, `cmyk2rgb`).
 * @param image four bytes a pixel: cyan, magenta, yellow, black
 */
function rgbOfCmyk({ width, height, data }: RgbImage): RgbImage {
  const rgb = new Uint8ClampedArray(width * height * 3)
  for (let to = 0, from = 0; to < rgb.length; to += 3, from += 4) {
    const white = 255 - data[from + 3]!
    for (let band = 0; band < 3; band++) {
      const product = data[from + band]! * white + 128
      rgb[to + band] = white - (((product >> 8) + product) >> 8)
    }
  }
  return { width, height, data: new Uint8Array(rgb.buffer) }
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

type Format = 'png' | 'jpeg' | 'webp' | 'gif' | 'tiff' | 'bmp'

/** How files begin. */
const SIGNATURES: readonly (readonly [format: Format | 'riff', bytes: readonly number[]])[] = [
  ['png', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ['jpeg', [0xff, 0xd8, 0xff]],
  ['riff', [0x52, 0x49, 0x46, 0x46]],
  ['gif', [0x47, 0x49, 0x46, 0x38, 0x37, 0x61]],
  ['gif', [0x47, 0x49, 0x46, 0x38, 0x39, 0x61]],
  ['tiff', [0x49, 0x49, 0x2a, 0x00]],
  ['tiff', [0x4d, 0x4d, 0x00, 0x2a]],
  ['bmp', [0x42, 0x4d]],
]
/** TIFF with 64-bit places, which is read by neither the check of its tags nor many programs. */
const BIG_TIFF: readonly (readonly number[])[] = [
  [0x49, 0x49, 0x2b, 0x00],
  [0x4d, 0x4d, 0x00, 0x2b],
]
const WEBP = [0x57, 0x45, 0x42, 0x50]
/** `ftyp` at the fifth byte: AVIF, HEIC and their like. */
const FTYP = [0x66, 0x74, 0x79, 0x70]

/**
 * Whether a file is a JPEG, by its first bytes. Decoders of JPEG may differ by a level or two.
 */
export function isJpeg(bytes: Uint8Array): boolean {
  return SIGNATURES.some(([format, signature]) => format === 'jpeg' && startsWith(bytes, signature))
}

/**
 * Only formats that were compared with Pillow reach a decoder: sharp would also render SVG, PDF and
 * more.
 */
function formatOf(bytes: Uint8Array, name: string): Format {
  if (bytes.length === 0)
    throw new MediaError('empty', {
      message: `${name}: the file is empty`,
      hint: 'Download or write the picture again.',
    })
  const found = SIGNATURES.find(([, signature]) => startsWith(bytes, signature))?.[0]
  if (found === 'riff' && startsWith(bytes, WEBP, 8)) return 'webp'
  if (found !== undefined && found !== 'riff') return found
  if (BIG_TIFF.some((signature) => startsWith(bytes, signature))) {
    throw new MediaError('variant', {
      message: `${name}: a BigTIFF file, which is not read`,
      hint: 'Convert the picture to PNG or to a plain TIFF file.',
    })
  }
  const isHeif = startsWith(bytes, FTYP, 4)
  throw new MediaError('format', {
    message: isHeif
      ? `${name}: an AVIF or HEIC file, which is not read: its decoders differ from the reference's`
      : `${name}: expected a PNG, JPEG, WebP, GIF, TIFF or BMP file, got one that starts with ${hex(bytes.subarray(0, 8))}`,
    hint: isHeif
      ? 'Convert the picture to PNG with the program that the model was trained with, or with any other if levels may differ a little.'
      : 'Convert the picture to PNG. An error page saved under a picture name also looks like this.',
  })
}

/** The decoder calls a PNG of more than some thousand million pixels damaged. */
function checkPngSize(bytes: Uint8Array, name: string, pixelLimit: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  // IHDR comes first, width and height at its head.
  if (bytes.length >= 24 && view.getUint32(12) === 0x49484452)
    checkPixels({ width: view.getUint32(16), height: view.getUint32(20) }, name, pixelLimit)
}

/** Animated PNG files announce themselves by an `acTL` chunk before the first `IDAT`. */
function animatedPngFrames(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 8; at + 12 <= bytes.length; at += view.getUint32(at) + 12) {
    const type = view.getUint32(at + 4)
    if (type === 0x6163544c) return view.getUint32(at + 8)
    if (type === 0x49444154) return 1
  }
  return 1
}

function checkHeader({ width, height, depth }: Metadata, name: string, pixelLimit: number): void {
  checkPixels({ width, height }, name, pixelLimit)
  if (depth !== 'uchar') {
    throw new MediaError('bit-depth', {
      message: `${name}: expected 8 bits a channel, got ${depth}`,
      hint: 'Convert the picture to 8 bits first.',
    })
  }
}

function checkPixels(size: Size, name: string, pixelLimit: number): void {
  if (size.width * size.height > pixelLimit)
    throw tooLarge(name, `${sizeText(size)} pixels, more than the limit of ${pixelLimit}`)
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
