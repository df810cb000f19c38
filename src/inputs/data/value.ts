/** @file The values of records: text and pictures, or why a value is neither. */

import { namesOf } from './columns.ts'
import { DATA_URL_FORM, dataUrlBytes, isDataUrl } from './data-url.ts'

/** Why a value can't be used. Its message has no place: the caller knows it. */
export class Unusable extends Error {}

/** Stands for a text whose bytes are no UTF-8. */
export class BrokenText {}

/** @throws Unusable for a value that is no text; null and undefined are none */
export function textIn(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined
  if (typeof value === 'string') return value
  throw new Unusable(`expected text, got ${described(value)}`)
}

/** A path as it is written, or the bytes of a picture's file. */
export type WrittenPicture = string | Uint8Array

/**
 * The pictures of a value: a path, a `data:` URL, bytes, `{ bytes, path }`, or a list of them. An
 * absent picture is `null`, or an empty text, as a table has it.
 * @throws Unusable
 */
export function picturesIn(value: unknown): WrittenPicture[] {
  if (!Array.isArray(value)) {
    const picture = pictureIn(value)
    return picture === undefined ? [] : [picture]
  }
  return value.map((one: unknown, i) => {
    const found = pictureIn(one)
    if (found !== undefined) return found
    throw new Unusable(`picture ${i + 1} of ${value.length} is ${one === '' ? 'an empty text' : 'absent'}`)
  })
}

/** Datasets of Hugging Face keep a picture as `{ bytes, path }`: either may be null. */
function pictureIn(value: unknown): WrittenPicture | undefined {
  if (value === null || value === undefined || value === '') return undefined
  if (value instanceof Uint8Array) return value
  if (typeof value === 'string') return written(value)
  if (Array.isArray(value) || typeof value !== 'object' || !('bytes' in value || 'path' in value))
    throw new Unusable(`expected a picture or a list of them, got ${described(value)}`)
  const bytes = 'bytes' in value ? value.bytes : undefined
  const path = 'path' in value ? value.path : undefined
  if (bytes !== null && bytes !== undefined && !(bytes instanceof Uint8Array))
    throw new Unusable(`bytes: expected the bytes of a picture, got ${described(bytes)}`)
  if (path !== null && path !== undefined && typeof path !== 'string')
    throw new Unusable(`path: expected text, got ${described(path)}`)
  if (bytes !== undefined && bytes !== null && bytes.length > 0) return bytes
  // Empty bytes without a path are an empty file: `decodeImage` says so.
  return path ? written(path) : (bytes ?? undefined)
}

/** No system takes longer paths. */
const LONGEST_PATH = 4096

function written(picture: string): WrittenPicture {
  const bytes = dataUrlBytes(picture)
  if (bytes !== undefined) return bytes
  if (isDataUrl(picture)) throw new Unusable(`expected ${DATA_URL_FORM} or a path`)
  if (picture.length > LONGEST_PATH || picture.includes('\0'))
    throw new Unusable(
      `a text of ${picture.length} characters is no path; a picture as text begins with data:image/png;base64,`,
    )
  return picture
}

/** A value of the wrong kind, for a message. */
export function described(value: unknown): string {
  if (value instanceof BrokenText) return 'bytes that are no UTF-8'
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null)
    return `an object with the keys ${namesOf(Object.keys(value))}`
  if (typeof value === 'string') return `the text ${JSON.stringify(value.slice(0, 40))}`
  if (typeof value === 'number') return `the number ${value}`
  return String(value)
}
