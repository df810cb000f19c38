/** @file A table of text as rows that can be read in any order: only their places are kept. */

import { type ByteSource, piecesOfSource } from '../../../foundation/files/byte-source.ts'
import { type CsvForm, checkText, csvCells, csvRecords } from '../csv-records.ts'
import type { RowRecord, RowTable, ScannedRow } from './table.ts'

/**
 * Reads the header. Takes the file over: `close` closes it.
 * @throws ItemError `data/table` for text that is no such table
 */
export async function csvTable(file: ByteSource, form: CsvForm): Promise<RowTable> {
  const pieces = () => piecesOfSource(file)
  const encoding = await checkText(pieces(), file.name)
  const header: string[] = []
  let ending = '\n'
  for await (const { cells, start, end } of csvRecords(pieces(), form)) {
    header.push(...cells)
    const text = Buffer.from(await file.read(start, end - start)).toString(encoding)
    ending = /\r\n$|\r$/.exec(text)?.[0] ?? '\n'
    break
  }
  /** First byte and length of each row that was scanned. */
  let starts: number[] = []
  let sizes: number[] = []
  const recordOf = (cells: readonly string[]): RowRecord =>
    Object.fromEntries(header.map((column, i) => [column, cells[i]]))
  async function* scan(): AsyncGenerator<ScannedRow> {
    starts = []
    sizes = []
    let first = true
    for await (const { cells, line, start, end } of csvRecords(pieces(), form)) {
      if (!first) {
        starts.push(start)
        sizes.push(end - start)
        yield { line, record: recordOf(cells) }
      }
      first = false
    }
  }
  return {
    name: file.name,
    noun: 'line',
    columns: header,
    cells: true,
    scan,
    read: async (index) => {
      const bytes = await file.read(starts[index]!, sizes[index]!)
      return recordOf(csvCells(bytes, form, { encoding, ending }))
    },
    close: () => file.close(),
  }
}
