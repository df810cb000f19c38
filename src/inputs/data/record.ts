/** @file One record of a source, a JSON object or a row of a table, as an item. */

import { resolve } from 'node:path'
import { isAddress } from '../media/decode.ts'
import { type Field, type RecordPlace, usedColumns } from './columns.ts'
import { ItemError } from './errors.ts'
import type { Item } from './item.ts'
import type { ItemLine } from './source.ts'
import { described, picturesIn, textIn, Unusable } from './value.ts'

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
    instruction: read('instruction', textIn),
    text: read('text', textIn),
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
  // UTF-8 has no half characters: written to a file, two such ids would become equal.
  if (/\p{Cs}/u.test(value)) throw new Unusable('half of a surrogate pair, which is no character')
  return value
}

type FilePicture = string | Uint8Array

function picturesOf(value: unknown, folder: string): FilePicture | FilePicture[] | undefined {
  // An address stays as it is. `readPictureFile` reports that pictures are not fetched.
  const pictures = picturesIn(value).map((picture) =>
    typeof picture === 'string' && !isAddress(picture) ? resolve(folder, picture) : picture,
  )
  return pictures.length > 1 ? pictures : pictures[0]
}
