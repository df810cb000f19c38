/** @file One record of a source, a JSON object or a row of a table, as an item. */

import { resolve } from 'node:path'
import { z } from 'zod'
import { isAddress } from '../media/decode.ts'
import { ItemError } from './errors.ts'
import type { Item } from './item.ts'
import type { ItemLine } from './source.ts'

/** Names of an item's parts in the source; a part that is not named goes by its own name. */
export interface ItemColumns {
  id?: string
  instruction?: string
  text?: string
  image?: string
}

/** What a source is called, where its pictures lie, what it calls an item's parts. */
export interface RecordPlace {
  name: string
  folder: string
  columns: ItemColumns
}

/** The parts in the order in which errors name them. */
export const PARTS = ['id', 'instruction', 'text', 'image'] as const

/** Datasets of Hugging Face keep a picture as `{ bytes, path }`. */
const pictureSchema = z.union([
  z.string(),
  z.instanceof(Uint8Array),
  z
    .object({ bytes: z.instanceof(Uint8Array).nullish(), path: z.string().nullish() })
    .transform(({ bytes, path }) => bytes ?? path ?? '')
    .pipe(z.union([z.string(), z.instanceof(Uint8Array)])),
])

const itemSchema = z.strictObject({
  id: z.union([z.string(), z.number(), z.bigint()]).nullish(),
  instruction: z.string().nullish(),
  text: z.string().nullish(),
  image: z
    .union([pictureSchema.transform((one) => [one]), z.array(pictureSchema)], {
      error: 'expected a picture or a list of them',
    })
    .nullish(),
})

/** The name of a part in the source. */
export function columnOf(columns: ItemColumns, part: (typeof PARTS)[number]): string {
  return columns[part] ?? part
}

/**
 * @param line   counted from 1
 * @param strict whether unknown keys are mistakes: in JSON that was written for us they are, in a
 *   table they are other columns
 */
export function lineOf(
  record: unknown,
  line: number,
  { name, folder, columns }: RecordPlace,
  strict: boolean,
): ItemLine {
  const parsed = itemSchema.safeParse(strict ? record : picked(record, columns))
  if (!parsed.success) {
    const why = parsed.error.issues.map(({ path, message }) => [...path, message].join(': ')).join('; ')
    return { line, error: itemError(name, line, why, parsed.error) }
  }
  const { id, instruction, text, image } = parsed.data
  const pictures = (image ?? [])
    .filter((picture) => picture.length > 0)
    .map((picture) => located(picture, folder))
  const item: Item = {
    instruction: instruction ?? undefined,
    text: text ?? undefined,
    image: pictures.length > 1 ? pictures : pictures[0],
  }
  return { line, ...(id === null || id === undefined ? {} : { id: String(id) }), item }
}

/** @param what has other bytes than UTF-8 has: a line of JSON, or a table */
export function encodingError(what: 'line' | 'table', name: string, line: number): ItemError {
  return new ItemError(what, {
    message: `${name}, line ${line}: expected UTF-8, got bytes of another encoding`,
    hint: 'Convert the file; from Latin-1: iconv -f LATIN1 -t UTF-8',
  })
}

export function itemError(name: string, line: number, why: string, cause?: unknown): ItemError {
  return new ItemError('line', {
    message: `${name}, line ${line}: ${why}`,
    hint: 'An item is an object with instruction, text, image (a path or a list of them) and id, each optional.',
    cause,
  })
}

/** The parts by their own names; what else the record has is left out. */
function picked(record: unknown, columns: ItemColumns): unknown {
  const found = z.record(z.string(), z.unknown()).safeParse(record)
  return found.success
    ? Object.fromEntries(PARTS.map((part) => [part, found.data[columnOf(columns, part)]]))
    : record
}

const DATA_URL = /^data:image\/[\w.+-]+;base64,/

function located(picture: string | Uint8Array, folder: string): string | Uint8Array {
  if (typeof picture !== 'string') return picture
  // Who reads the picture says that it is not fetched.
  if (isAddress(picture)) return picture
  return DATA_URL.test(picture)
    ? Buffer.from(picture.replace(DATA_URL, ''), 'base64')
    : resolve(folder, picture)
}

/**
 * Checks that a table has something to embed.
 * @param names of its columns
 * @throws ItemError `data/columns` for a named column that is not there, or one that is
 *   there twice, or none of text, image and instruction
 */
export function checkColumns(names: readonly string[], { name, columns }: RecordPlace): void {
  const repeated = PARTS.map((part) => columnOf(columns, part)).find(
    (column) => names.indexOf(column) !== names.lastIndexOf(column),
  )
  if (repeated !== undefined) {
    throw new ItemError('columns', {
      message: `${name} has the column ${repeated} more than once; its columns are ${names.join(', ')}`,
      hint: 'Give each column that is embedded a name of its own.',
    })
  }
  const absent = PARTS.map((part) => columns[part]).filter(
    (column) => column !== undefined && !names.includes(column),
  )
  const usable = (['instruction', 'text', 'image'] as const).some((part) =>
    names.includes(columnOf(columns, part)),
  )
  if (usable && absent.length === 0) return
  const problem =
    absent.length > 0 ? `no column ${absent.join(', ')}` : 'no column text, image or instruction'
  throw new ItemError('columns', {
    message: `${name} has ${problem}; its columns are ${names.join(', ')}`,
    hint: 'Say which column is what: columns { text: "caption", image: "path" } (--columns text=caption,image=path)',
  })
}
