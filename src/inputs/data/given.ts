/**
 * @file Items as a caller of the library gives them. A JavaScript caller may give anything, so
 *   every value is checked here. The short forms (a bare text, a `URL`, a `Blob`) become plain
 *   items.
 */

import { fileURLToPath } from 'node:url'
import { UsageError } from '../../foundation/numeric/errors.ts'
import { suggestion } from '../../foundation/numeric/suggestion.ts'
import { DATA_URL_FORM, dataUrlBytes, isDataUrl } from './data-url.ts'
import type { ImageSource, Item } from './item.ts'

/**
 * A picture as a caller may give it: the plain forms, a `file:` or `data:` URL, a `Blob`, an
 * `ArrayBuffer`.
 */
export type GivenImage = ImageSource | URL | Blob | ArrayBuffer

/** An item, or a text alone. */
export type GivenItem =
  | string
  | {
      instruction?: string
      text?: string
      image?: GivenImage | readonly GivenImage[]
    }

/** `key` stands in items of tasks. */
const KEYS = ['instruction', 'text', 'image', 'key']
const PARTS = 'a text, or an object with instruction, text or image'

/**
 * The item in its plain form.
 * @throws UsageError `usage/option` for anything that is no item: what was expected, what was given
 */
export async function plainItem(given: GivenItem): Promise<Item> {
  const value: unknown = given
  if (typeof value === 'string') return { text: value }
  if (!isRecord(value)) throw refused('the item', PARTS, value)
  for (const key of Object.keys(value)) if (!KEYS.includes(key)) throw unknownKey(key)
  const { instruction, text, image } = value
  return {
    instruction: wordsOf('instruction', instruction),
    text: wordsOf('text', text),
    image: image === undefined ? undefined : await imagesOf(image),
  }
}

function wordsOf(name: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  throw refused(name, 'a string', value)
}

async function imagesOf(value: unknown): Promise<ImageSource | ImageSource[]> {
  if (!Array.isArray(value)) return await imageOf(value, 'image')
  return await Promise.all(value.map((one: unknown, i) => imageOf(one, `image[${i}]`)))
}

const IMAGES = 'a path, the bytes of a file, { width, height, data } or a file: URL'

async function imageOf(value: unknown, name: string): Promise<ImageSource> {
  if (typeof value === 'string') return locationOf(value, name)
  if (value instanceof Uint8Array) return value
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (ArrayBuffer.isView(value)) throw refused(name, 'bytes as a Uint8Array', value)
  if (value instanceof Blob) return new Uint8Array(await value.arrayBuffer())
  // An address on the net stays as it is. Reading it later reports that pictures are not fetched.
  if (value instanceof URL)
    return value.protocol === 'file:' ? fileURLToPath(value) : locationOf(value.href, name)
  if (!isRecord(value)) throw refused(name, IMAGES, value)
  return 'read' in value ? pictureOf(value, name) : pixelsOf(value, name)
}

/** A path stays one; the picture in a `data:` URL becomes its bytes. */
function locationOf(value: string, name: string): ImageSource {
  if (value === '') throw refused(name, IMAGES, value)
  const bytes = dataUrlBytes(value)
  if (bytes === undefined && isDataUrl(value)) throw refused(name, DATA_URL_FORM, value)
  return bytes ?? value
}

function pictureOf(picture: Record<string, unknown>, name: string): ImageSource {
  const { key, read } = picture
  if (typeof key !== 'string' || key === '') throw refused(`${name}.key`, 'a string that is not empty', key)
  if (!isReader(read)) throw refused(`${name}.read`, 'a function', read)
  // Where the picture is an object of a class, its `read` needs the object as `this`.
  return { key, read: read.bind(picture) }
}

function isReader(value: unknown): value is Extract<ImageSource, { key: string }>['read'] {
  return typeof value === 'function'
}

function pixelsOf({ width, height, data }: Record<string, unknown>, name: string): ImageSource {
  for (const [side, size] of [
    ['width', width],
    ['height', height],
  ]) {
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 1)
      throw refused(`${name}.${side}`, 'a whole number of pixels, at least 1', size)
  }
  const bytes =
    data instanceof Uint8ClampedArray ? new Uint8Array(data.buffer, data.byteOffset, data.length) : data
  if (!(bytes instanceof Uint8Array)) throw refused(`${name}.data`, 'a Uint8Array of RGB, row by row', data)
  return { width: Number(width), height: Number(height), data: bytes }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unknownKey(key: string): UsageError {
  const meant = suggestion(key, KEYS.slice(0, 3))
  return new UsageError('option', {
    message: `the item has the key "${key}": expected ${PARTS}`,
    hint: meant === undefined ? 'Leave the key out.' : `Did you mean "${meant}"?`,
  })
}

function refused(name: string, expected: string, got: unknown): UsageError {
  return new UsageError('option', {
    message: `${name}: expected ${expected}, got ${described(got)}`,
    hint: 'See `Item` in the API: { instruction?, text?, image? }.',
  })
}

const LONGEST = 40

/** A value in a few words. */
function described(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'string') return JSON.stringify(value.slice(0, LONGEST))
  if (typeof value === 'object' && value !== null) return `a ${value.constructor?.name ?? 'object'}`
  return typeof value === 'function' ? 'a function' : String(value)
}
