/** @file Items as a table of text: RFC 4180, the first line names the columns. */

import { CsvError, parse } from 'csv-parse/sync'
import { z } from 'zod'
import { EmbedderError } from '../errors.ts'
import { checkColumns, columnOf, lineOf, type RecordPlace } from './record.ts'
import type { ItemLine } from './source.ts'

/**
 * All rows; blank lines do not count. A picture's cell holds a path, or a JSON list of them.
 * @throws EmbedderError `embedder/item-table` for text that is no such table, `embedder/item-columns`
 */
export function csvLines(text: string, { delimiter, ...at }: RecordPlace & { delimiter: string }): ItemLine[] {
  const [header, ...rows] = records(text, at.name, delimiter)
  if (header === undefined) return []
  checkColumns(header.record, at)
  const image = columnOf(at.columns, 'image')
  return rows.map(({ record, line }) => {
    const cells = Object.fromEntries(header.record.map((column, i) => [column, column === image ? pictureCell(record[i]!) : record[i]]))
    return lineOf(cells, line, at, false)
  })
}

const rowSchema = z
  .object({ record: z.array(z.string()), info: z.object({ lines: z.int() }) })
  .transform(({ record, info }) => ({ record, line: info.lines }))

function records(text: string, name: string, delimiter: string): z.infer<typeof rowSchema>[] {
  try {
    return z.array(rowSchema).parse(parse(text, { bom: true, delimiter, info: true, skip_empty_lines: true }))
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    throw new EmbedderError('item-table', {
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
