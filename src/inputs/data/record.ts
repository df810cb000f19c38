/** @file One record of a source, a JSON object or a row of a table, as an item. */

import { resolve } from 'node:path'
import { isAddress } from '../media/decode.ts'
import { type Field, namesOf, type RecordPlace, usedColumns } from './columns.ts'
import { DATA_URL_FORM, dataUrlBytes, isDataUrl } from './data-url.ts'
import { ItemError } from './errors.ts'
import type { Item } from './item.ts'
import type { ItemLine } from './source.ts'

/** Why a value can't be used. */
class Unusable extends Error {}

/**
 * Makes an item of the fields of a record.
 * @param valueIn the value of a field, or undefined where the record has none
 * @param line counted from 1
 */
export function lineOf(
  valueIn: (field: Field, column: string) => unknown,
  line: number,
  place: RecordPlace,
): ItemLine {
  const problems: string[] = []
  const read = <T>(field: Field, convert: (value: unknown) => T | undefined): T | undefined => {
    const used = usedColumns(place.columns).find(([name]) => name === field)
    if (used === undefined) return undefined
    try {
      return convert(valueIn(...used))
    } catch (error) {
      if (!(error instanceof Unusable)) throw error
      problems.push(`${used[1]}: ${error.message}`)
      return undefined
    }
  }
  const id = read('id', idOf)
  const item: Item = {
    instruction: read('instruction', textOf),
    text: read('text', textOf),
    image: read('image', (value) => picturesOf(value, place.folder)),
  }
  if (problems.length > 0) return { line, error: lineError(place.name, line, problems.join('; ')) }
  return { line, ...(id === undefined ? {} : { id }), item }
}

/** @param why in words, without the place */
export function lineError(name: string, line: number, why: string, cause?: unknown): ItemError {
  return new ItemError('line', {
    message: `${name}, line ${line}: ${why}`,
    hint: 'An item has instruction, text, image (a path or a list of them) and id, each optional; --columns says what the source calls them.',
    cause,
  })
}

/** Text, or a number: its digits. */
function idOf(value: unknown): string | undefined {
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  if (value === null || value === undefined) return undefined
  if (typeof value !== 'string') throw new Unusable(`expected text or a number, got ${described(value)}`)
  // Written to a file, such ids would become equal.
  if (/\p{Cs}/u.test(value)) throw new Unusable('half of a surrogate pair, which is no character')
  return value
}

function textOf(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined
  if (typeof value === 'string') return value
  throw new Unusable(`expected text, got ${described(value)}`)
}

type FilePicture = string | Uint8Array

/** An absent picture is `null`, or an empty text, as a table has it. */
function picturesOf(value: unknown, folder: string): FilePicture | FilePicture[] | undefined {
  if (!Array.isArray(value)) return pictureOf(value, folder)
  const pictures = value.map((one: unknown, i) => {
    const found = pictureOf(one, folder)
    if (found === undefined)
      throw new Unusable(`picture ${i + 1} of ${value.length} is ${one === '' ? 'an empty text' : 'absent'}`)
    return found
  })
  return pictures.length > 1 ? pictures : pictures[0]
}

/** Datasets of Hugging Face keep a picture as `{ bytes, path }`: either may be null. */
function pictureOf(value: unknown, folder: string): FilePicture | undefined {
  if (value === null || value === undefined || value === '') return undefined
  if (value instanceof Uint8Array) return value
  if (typeof value === 'string') return located(value, folder)
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
  return path ? located(path, folder) : (bytes ?? undefined)
}

/** No system takes longer paths. */
const LONGEST_PATH = 4096

function located(picture: string, folder: string): FilePicture {
  const bytes = dataUrlBytes(picture)
  if (bytes !== undefined) return bytes
  if (isDataUrl(picture)) throw new Unusable(`expected ${DATA_URL_FORM} or a path`)
  if (picture.length > LONGEST_PATH || picture.includes('\0'))
    throw new Unusable(
      `a text of ${picture.length} characters is no path; a picture as text begins with data:image/png;base64,`,
    )
  // An address stays one: `readPictureFile` says that pictures are not fetched.
  return isAddress(picture) ? picture : resolve(folder, picture)
}

/** A value of the wrong kind, for a message. */
function described(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null)
    return `an object with the keys ${namesOf(Object.keys(value))}`
  if (typeof value === 'string') return `the text ${JSON.stringify(value.slice(0, 40))}`
  if (typeof value === 'number') return `the number ${value}`
  return String(value)
}
