/** @file The records of a table of text (RFC 4180), and where each one stands. */

import { isUtf8 } from 'node:buffer'
import { pipeline, Readable } from 'node:stream'
import { CsvError, type Options, parse } from 'csv-parse'
import { parse as parseAtOnce } from 'csv-parse/sync'
import { z } from 'zod'
import { namesOf } from './columns.ts'
import { checkStart, encodingError, isLittleEndian } from './encoding.ts'
import { ItemError } from './errors.ts'
import { byteLines, LINE_LIMIT } from './lines.ts'

/** How the cells of a table are written. */
export interface CsvForm {
  /** For messages. */
  name: string
  /** The character between two cells. */
  delimiter: string
  /**
   * The character around a cell that holds a delimiter or a line break; null where quotes are
   * ordinary characters.
   */
  quote: string | null
}

export interface CsvRecord {
  readonly cells: readonly string[]
  /** Counted from 1: the line that the record ends on. */
  readonly line: number
  /** The bytes of the record in the file, from `start` to before `end`. */
  readonly start: number
  readonly end: number
}

/**
 * Checks the bytes before cells are decoded, which would put U+FFFD in the place of letters. UTF-16
 * with its mark, as spreadsheets write it, is read as such.
 * @returns the encoding
 * @throws ItemError `data/table`
 */
export async function checkText(
  pieces: AsyncIterable<Uint8Array>,
  name: string,
): Promise<'utf8' | 'utf16le'> {
  let line = 0
  for await (const { bytes } of byteLines(pieces)) {
    line += 1
    if (bytes === undefined) throw tooLong(name, `line ${line}`)
    if (line === 1 && isLittleEndian(bytes)) return 'utf16le'
    if (line === 1) checkStart(bytes, name)
    if (!isUtf8(bytes) || bytes.includes(0)) throw encodingError('table', bytes, name, line)
  }
  return 'utf8'
}

function tooLong(name: string, where: string, cause?: unknown): ItemError {
  return new ItemError('table', {
    message: `${name}, ${where}: longer than ${LINE_LIMIT} bytes`,
    hint: 'Keep pictures in files of their own and name their paths. A quote without its partner also makes such a cell.',
    cause,
  })
}

const rowSchema = z
  .object({ record: z.array(z.string()), info: z.object({ lines: z.int(), bytes: z.int() }) })
  .transform(({ record, info }) => ({ cells: record, line: info.lines, end: info.bytes }))

/**
 * Reads the records of a table in order, the header first. Blank lines do not count.
 * @param pieces all bytes of the file
 * @throws ItemError `data/table`; FileError where the bytes cannot be read
 */
export async function* csvRecords(
  pieces: AsyncIterable<Uint8Array>,
  form: CsvForm,
): AsyncGenerator<CsvRecord> {
  let start = 0
  try {
    const parser = parse(optionsOf(form))
    // The loop below throws what fails here.
    pipeline(Readable.from(pieces), parser, () => {})
    for await (const row of parser) {
      const record = { ...rowSchema.parse(row), start }
      start = record.end
      yield record
    }
  } catch (cause) {
    throw cause instanceof CsvError ? tableError(form, cause) : cause
  }
}

/**
 * The cells of one record, whose bytes `csvRecords` told.
 * @param ending of its lines: that of the file
 */
export function csvCells(
  bytes: Uint8Array,
  form: CsvForm,
  { encoding, ending }: { encoding: 'utf8' | 'utf16le'; ending: string },
): string[] {
  try {
    const options = { ...optionsOf(form), info: false, encoding, record_delimiter: ending }
    return z.array(z.array(z.string())).parse(parseAtOnce(bytes, options))[0] ?? []
  } catch (cause) {
    throw cause instanceof CsvError ? tableError(form, cause) : cause
  }
}

function optionsOf({ delimiter, quote }: CsvForm) {
  return {
    bom: true,
    delimiter,
    quote,
    escape: quote,
    info: true,
    skip_empty_lines: true,
    max_record_size: LINE_LIMIT,
  } satisfies Options
}

function tableError({ name }: CsvForm, cause: CsvError): ItemError {
  if (cause.code === 'CSV_MAX_RECORD_SIZE') return tooLong(name, 'a row', cause)
  return new ItemError('table', {
    message: `${name} is no table: ${cause.message}`,
    hint: /QUOTE/.test(cause.code)
      ? 'Quote the whole cell, and double the quotes in it. Where quotes are ordinary characters, `embed` takes --quote none, a tuning data[].quote: null.'
      : 'Give every row as many cells as the first line has, and quote cells that hold the delimiter or a line break. `embed` takes what separates cells as --delimiter, a tuning as data[].delimiter in its settings.',
    cause,
  })
}

/** A cell that holds a JSON list of texts, as that list; other cells as they are. */
export function listCell(cell: string | undefined): string | string[] | undefined {
  return jsonCell(cell, textList)
}

/** A cell that holds a JSON list of numbers, as that list; other cells as they are. */
export function numbersCell(cell: string | undefined): string | number[] | undefined {
  return jsonCell(cell, numberList)
}

const textList = z.array(z.string())
const numberList = z.array(z.number())

function jsonCell<T>(cell: string | undefined, schema: z.ZodType<T>): T | string | undefined {
  if (!cell?.startsWith('[')) return cell
  try {
    return schema.safeParse(JSON.parse(cell)).data ?? cell
  } catch {
    return cell
  }
}

/** Separators that tables have in place of the one that was expected. */
const DELIMITERS = [';', '\t', ',', '|'] as const

/**
 * The error for a header of one cell that seems to hold several, where the check of its columns
 * failed; else the failure itself.
 */
export function delimiterProblem(header: readonly string[], form: CsvForm, failure: unknown): unknown {
  const [only = '', ...others] = header
  const delimiter = DELIMITERS.find((one) => one !== form.delimiter && only.includes(one))
  if (!(failure instanceof ItemError) || others.length > 0 || delimiter === undefined) return failure
  const names = { ';': 'semicolons', '\t': 'tabs', ',': 'commas', '|': 'vertical bars' }
  return new ItemError('columns', {
    message: `${form.name} has one column, ${namesOf(header)}: its cells seem to stand between ${names[delimiter]}`,
    hint: `Say what separates the cells: --delimiter ${delimiter === '\t' ? 'tab' : `"${delimiter}"`}; for pairs, data[].delimiter in the settings of a tuning.`,
    cause: failure,
  })
}
