/** @file Items as a table of text: RFC 4180, the first line names the columns. */

import { checkColumns, type RecordPlace, unusedNames } from './columns.ts'
import { type CsvForm, checkText, csvRecords, delimiterProblem, listCell } from './csv-records.ts'
import { piecesOf } from './lines.ts'
import { lineOf } from './record.ts'
import type { ItemLine, ItemSource } from './source.ts'

/** A file of cells. */
export interface Table extends RecordPlace, CsvForm {
  path: string
}

/**
 * Opens a table. Blank lines do not count. A picture's cell holds a path, or a JSON list of them.
 * The file is read while its items are used, and once before that, to count its rows and to check
 * them.
 * @throws ItemError `data/table` for text that is no such table, `data/columns`; FileError
 *   `file/missing`, `file/read`
 */
export async function openCsv(table: Table): Promise<ItemSource> {
  await checkText(piecesOf(table.path), table.name)
  let rows = 0
  for await (const { cells } of csvRecords(piecesOf(table.path), table)) {
    if (rows === 0) checkHeader(cells, table)
    rows += 1
  }
  return { name: table.path, path: table.path, total: Math.max(0, rows - 1), lines: () => items(table) }
}

function checkHeader(header: readonly string[], table: Table): void {
  try {
    checkColumns(header, table)
  } catch (error) {
    throw delimiterProblem(header, table, error)
  }
}

async function* items(table: Table): AsyncGenerator<ItemLine> {
  const warnUnused = unusedNames(table)
  let header: readonly string[] | undefined
  for await (const { cells, line } of csvRecords(piecesOf(table.path), table)) {
    if (header === undefined) {
      header = cells
      warnUnused(header, 'column')
      continue
    }
    const places = new Map(header.map((column, i) => [column, i]))
    const cell = (column: string) => cells[places.get(column) ?? -1]
    yield lineOf((field, column) => (field === 'image' ? listCell(cell(column)) : cell(column)), line, table)
  }
}
