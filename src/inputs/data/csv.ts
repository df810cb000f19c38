/** @file Items as a table of text: RFC 4180, the first line names the columns. */

import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { z } from 'zod'
import { readFailure } from '../../foundation/files/errors.ts'
import { checkColumns, namesOf, type RecordPlace, unusedNames } from './columns.ts'
import { checkStart, encodingError, isLittleEndian } from './encoding.ts'
import { ItemError } from './errors.ts'
import { byteLines, LINE_LIMIT, piecesOf } from './lines.ts'
import { lineOf } from './record.ts'
import type { ItemLine, ItemSource } from './source.ts'

/** A file of cells. */
export interface Table extends RecordPlace {
  path: string
  /** The character between two cells. */
  delimiter: string
  /**
   * The character around a cell that holds a delimiter or a line break; null where quotes are
   * ordinary characters.
   */
  quote: string | null
}

/**
 * Opens a table. Blank lines do not count. A picture's cell holds a path, or a JSON list of them.
 * The file is read while its items are used, and once before that, to count its rows and to check
 * them.
 * @throws ItemError `data/table` for text that is no such table, `data/columns`; FileError
 *   `file/missing`, `file/read`
 */
export async function openCsv(table: Table): Promise<ItemSource> {
  await checkText(table)
  let rows = 0
  for await (const { record } of records(table)) {
    if (rows === 0) checkHeader(record, table)
    rows += 1
  }
  return { name: table.path, path: table.path, total: Math.max(0, rows - 1), lines: () => items(table) }
}

/**
 * Checks the bytes before cells are decoded, which would put U+FFFD in the place of letters. UTF-16
 * with its mark, as spreadsheets write it, is read as such.
 */
async function checkText({ path, name }: Table): Promise<void> {
  let line = 0
  for await (const { bytes } of byteLines(piecesOf(path))) {
    line += 1
    if (bytes === undefined) throw tooLong(name, `line ${line}`)
    if (line === 1 && isLittleEndian(bytes)) return
    if (line === 1) checkStart(bytes, name)
    if (!isUtf8(bytes) || bytes.includes(0)) throw encodingError('table', bytes, name, line)
  }
}

function tooLong(name: string, where: string, cause?: unknown): ItemError {
  return new ItemError('table', {
    message: `${name}, ${where}: longer than ${LINE_LIMIT} bytes`,
    hint: 'Keep pictures in files of their own and name their paths. A quote without its partner also makes such a cell.',
    cause,
  })
}

/** Separators that tables have in place of the one that was expected. */
const DELIMITERS = [';', '\t', ',', '|'] as const

function checkHeader(header: readonly string[], table: Table): void {
  try {
    checkColumns(header, table)
  } catch (error) {
    const [only = '', ...others] = header
    const delimiter = DELIMITERS.find((one) => one !== table.delimiter && only.includes(one))
    if (!(error instanceof ItemError) || others.length > 0 || delimiter === undefined) throw error
    const names = { ';': 'semicolons', '\t': 'tabs', ',': 'commas', '|': 'vertical bars' }
    throw new ItemError('columns', {
      message: `${table.name} has one column, ${namesOf(header)}: its cells seem to stand between ${names[delimiter]}`,
      hint: `Say what separates the cells: --delimiter ${delimiter === '\t' ? 'tab' : `"${delimiter}"`}`,
      cause: error,
    })
  }
}

async function* items(table: Table): AsyncGenerator<ItemLine> {
  const warnUnused = unusedNames(table)
  let header: string[] | undefined
  for await (const { record, line } of records(table)) {
    if (header === undefined) {
      header = record
      warnUnused(header, 'column')
      continue
    }
    const places = new Map(header.map((column, i) => [column, i]))
    const cell = (column: string) => record[places.get(column) ?? -1]
    yield lineOf(
      (field, column) => (field === 'image' ? pictureCell(cell(column)) : cell(column)),
      line,
      table,
    )
  }
}

const rowSchema = z
  .object({ record: z.array(z.string()), info: z.object({ lines: z.int() }) })
  .transform(({ record, info }) => ({ record, line: info.lines }))

async function* records(table: Table): AsyncGenerator<z.infer<typeof rowSchema>> {
  const { path, delimiter, quote } = table
  try {
    const parser = parse({
      bom: true,
      delimiter,
      quote,
      escape: quote,
      info: true,
      skip_empty_lines: true,
      max_record_size: LINE_LIMIT,
    })
    // The loop below throws what fails here.
    pipeline(createReadStream(path), parser, () => {})
    for await (const row of parser) yield rowSchema.parse(row)
  } catch (cause) {
    throw cause instanceof CsvError ? tableError(table, cause) : readFailure(path, cause)
  }
}

function tableError({ name }: Table, cause: CsvError): ItemError {
  if (cause.code === 'CSV_MAX_RECORD_SIZE') return tooLong(name, 'a row', cause)
  return new ItemError('table', {
    message: `${name} is no table: ${cause.message}`,
    hint: /QUOTE/.test(cause.code)
      ? 'Where quotes are ordinary characters, say so: --quote none. Else quote the whole cell, and double the quotes in it.'
      : 'Give every row as many cells as the first line has, and quote cells that hold the delimiter or a line break; --delimiter says what separates cells, --quote none that quotes are ordinary characters.',
    cause,
  })
}

const listSchema = z.array(z.string())

function pictureCell(cell: string | undefined): string | string[] | undefined {
  if (!cell?.startsWith('[')) return cell
  try {
    return listSchema.safeParse(JSON.parse(cell)).data ?? cell
  } catch {
    return cell
  }
}
