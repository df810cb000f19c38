/** @file Opens the items of a file: lines of JSON, a table, or a folder of pictures. */

import { existsSync, statSync } from 'node:fs'
import { dirname, extname } from 'node:path'
import { sizeOfFile } from '../../foundation/files/file.ts'
import { UsageError } from '../../foundation/numeric/errors.ts'
import { checkFields, FIELDS, type ItemColumns, type RecordPlace } from './columns.ts'
import { openCsv } from './csv.ts'
import { ItemError } from './errors.ts'
import { folderLines } from './folder.ts'
import type { Item } from './item.ts'
import { jsonLines, openJsonLines } from './jsonl.ts'
import { openParquet } from './parquet.ts'

/** An item and where it stands, or why there is none. */
export type ItemLine = {
  /** Counted from 1: a line of text, a row of a table, a picture of a folder. */
  line: number
  /** The item's name in the source. */
  id?: string
} & ({ item: Item } | { error: ItemError })

/** A list of items. Its lines are read while they are used. */
export interface ItemSource {
  /** For messages. */
  readonly name: string
  /** The file that the items are read from, where it is one. */
  readonly path?: string
  /** The number of lines; undefined for a pipe, where it is known at the end only. */
  readonly total: number | undefined
  lines(): Iterable<ItemLine> | AsyncIterable<ItemLine>
}

/** How a source is read. */
export interface OpenOptions {
  /** The character between two cells of a .csv or .tsv file. Default: a comma, or a tab. */
  delimiter?: string
  /** The character around cells of such a file, default `"`; null: quotes are ordinary. */
  quote?: string | null
  /** Told of columns that are not used, once each. */
  warn?: (message: string) => void
}

/**
 * Opens the items of a file or folder. The ending tells the format: `.csv`, `.tsv`, `.parquet`;
 * every other file holds a JSON object a line. In a folder, all pictures in it and below it are
 * items. Paths of pictures are relative to the file that names them.
 * @param columns what the source calls text, image, instruction and id. Where one is named, only
 *   the named ones are used
 * @throws FileError `file/missing`, `file/read`; ItemError `data/table`, `data/columns` for a file
 *   that is no table
 * @example const source = await openItems('captions.csv', { text: 'caption', image: 'path' })
 */
export async function openItems(
  path: string,
  columns: ItemColumns = {},
  { delimiter, quote, warn }: OpenOptions = {},
): Promise<ItemSource> {
  checkFields(columns)
  if (typeof quote === 'string' && quote.length !== 1) {
    throw new UsageError('option', {
      message: `quote: expected one character or null, got ${JSON.stringify(quote)}`,
      hint: 'Leave it out for ", or say null where quotes are ordinary characters.',
    })
  }
  if (delimiter !== undefined && delimiter.length !== 1) {
    throw new UsageError('option', {
      message: `delimiter: expected one character, got ${JSON.stringify(delimiter)}`,
      hint: 'Leave it out for a comma (.csv) or a tab (.tsv).',
    })
  }
  const given: unknown = path
  if (typeof given !== 'string' || given === '') {
    throw new UsageError('option', {
      message: `openItems: expected the path of a file or folder, got ${JSON.stringify(given)}`,
      hint: 'Call embed for items that are in memory.',
    })
  }
  if (existsSync(path) && statSync(path).isDirectory()) {
    if (FIELDS.some((field) => columns[field] !== undefined)) {
      throw new ItemError('columns', {
        message: `columns of ${path}, which is a folder of pictures and has none`,
        hint: 'Columns are those of a table or of JSON lines: name such a file, or leave the columns out.',
      })
    }
    return listed(path, await folderLines(path))
  }
  // Files are read more than once. `sizeOfFile` refuses a pipe, which can't be.
  await sizeOfFile(path)
  const ending = extname(path).toLowerCase()
  const at = { name: path, folder: dirname(path), columns, warn }
  if (ending === '.csv' || ending === '.tsv') {
    return await openCsv({
      ...at,
      path,
      delimiter: delimiter ?? (ending === '.csv' ? ',' : '\t'),
      quote: quote === undefined ? '"' : quote,
    })
  }
  if (delimiter !== undefined || quote !== undefined) {
    throw new ItemError('table', {
      message: `a delimiter or a quote for ${path}, which is no .csv or .tsv file`,
      hint: 'Leave them out, or let the name of a table of text end with .csv.',
    })
  }
  return ending === '.parquet' ? await openParquet(path, at) : await openJsonLines(path, at)
}

/**
 * Streams the JSON lines of a pipe. Reads the first line at once, to detect empty input.
 * @param pieces of UTF-8
 * @param at the name of the source, the folder of its pictures, the columns to use
 */
export async function pipedItems(pieces: AsyncIterable<Uint8Array>, at: RecordPlace): Promise<ItemSource> {
  const rest = jsonLines(pieces, at)
  const first = await rest.next()
  if (first.done) return listed(at.name, [])
  const lines = async function* (): AsyncGenerator<ItemLine> {
    yield first.value
    yield* rest
  }
  return { name: at.name, total: undefined, lines }
}

function listed(name: string, lines: readonly ItemLine[]): ItemSource {
  return { name, total: lines.length, lines: () => lines }
}
