/** @file Items as a table of text: RFC 4180, the first line names the columns. */

import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { z } from 'zod'
import { readFailure } from '../../foundation/files/errors.ts'
import { ItemError } from './errors.ts'
import { byteLines, piecesOf } from './lines.ts'
import { checkColumns, columnOf, encodingError, lineOf, type RecordPlace } from './record.ts'
import type { ItemLine, ItemSource } from './source.ts'

/** A file, what its items are called, and what stands between cells. */
interface Table extends RecordPlace {
  path: string
  delimiter: string
}

/**
 * All rows; blank lines do not count. A picture's cell holds a path, or a JSON list of them. The
 * file is read while its items are used, and once before: to count, and to see that it is a table.
 * @throws ItemError `data/table` for text that is no such table, `data/columns`;
 *   FileError `file/missing`, `file/read`
 */
export async function openCsv(table: Table): Promise<ItemSource> {
  await checkUtf8(table)
  let rows = 0
  for await (const { record } of records(table)) {
    if (rows === 0) checkColumns(record, table)
    rows += 1
  }
  return { name: table.path, path: table.path, total: Math.max(0, rows - 1), lines: () => items(table) }
}

/**
 * Before cells are decoded, which would put U+FFFD in the place of letters. UTF-16 that says so, as
 * spreadsheets write it, is read as such.
 */
async function checkUtf8({ path, name }: Table): Promise<void> {
  let line = 0
  for await (const bytes of byteLines(piecesOf(path))) {
    line += 1
    if (line === 1 && bytes[0] === 0xff && bytes[1] === 0xfe) return
    if (!isUtf8(bytes)) throw encodingError('table', name, line)
  }
}

async function* items(table: Table): AsyncGenerator<ItemLine> {
  const image = columnOf(table.columns, 'image')
  let header: string[] | undefined
  for await (const { record, line } of records(table)) {
    if (header === undefined) {
      header = record
      continue
    }
    const cells = Object.fromEntries(
      header.map((column, i) => [column, column === image ? pictureCell(record[i]!) : record[i]]),
    )
    yield lineOf(cells, line, table, false)
  }
}

const rowSchema = z
  .object({ record: z.array(z.string()), info: z.object({ lines: z.int() }) })
  .transform(({ record, info }) => ({ record, line: info.lines }))

async function* records({ path, name, delimiter }: Table): AsyncGenerator<z.infer<typeof rowSchema>> {
  const parser = parse({ bom: true, delimiter, info: true, skip_empty_lines: true })
  // What fails on the way is thrown by the loop.
  pipeline(createReadStream(path), parser, () => {})
  try {
    for await (const row of parser) yield rowSchema.parse(row)
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw readFailure(path, cause)
    throw new ItemError('table', {
      message: `${name} is no table: ${cause.message}`,
      hint: 'Quote cells that hold the delimiter, a quote or a line break; give every row as many cells as the first line has.',
      cause,
    })
  }
}

const listSchema = z.array(z.string())

function pictureCell(cell: string): string | string[] {
  if (!cell.startsWith('[')) return cell
  try {
    return listSchema.safeParse(JSON.parse(cell)).data ?? cell
  } catch {
    return cell
  }
}
