/**
 * @file Single values of a Parquet file. A row group of pictures is large: of a column whose rows
 * have one value each, only the page that holds a row is read.
 */

import type { ColumnMetaData, SchemaTree } from 'hyparquet'
import { parquetHeader } from 'hyparquet/src/column.js'
import { ParquetProblem, rangeOf, storedColumns } from './parquet-check.ts'
import {
  assembled,
  attempt,
  columnValues,
  metaOf,
  type ParquetFile,
  storedValues,
  words,
} from './parquet-file.ts'
import { interpreted, shapeOf } from './parquet-shape.ts'
import { Recent } from './recent.ts'

/** Bytes of decoded pages and columns that are kept: the last one is, however large. */
const KEPT_BYTES = 2 ** 27

/** A page of values. */
interface Page {
  /** Of its header, in the file. */
  readonly start: number
  readonly end: number
  /** The first row of the page in its row group, and how many rows it has. */
  readonly row: number
  readonly rows: number
  readonly bytes: number
}

/** Pages of a stored column in one row group. */
interface Pages {
  readonly dictionary: { readonly start: number; readonly end: number } | undefined
  readonly pages: readonly Page[]
}

/** The values of a file, one by one. */
export class ParquetCells {
  readonly #file: ParquetFile
  /** Where pages are: a few numbers for each. */
  readonly #pages = new Map<string, Promise<Pages>>()
  readonly #recent = new Recent<readonly unknown[]>(KEPT_BYTES)

  constructor(file: ParquetFile) {
    this.#file = file
  }

  /**
   * Reads the value of a column in one row.
   * @param group index of the row group
   * @param row within the row group
   * @throws ItemError `data/table`; FileError
   */
  async value(node: SchemaTree, group: number, row: number): Promise<unknown> {
    const stored = storedColumns(node)
    if (stored.some(({ repeated }) => repeated)) return (await this.#column(node, group))[row]
    const where = `row group ${group + 1}, column ${node.element.name}`
    return await attempt(this.#file.source.name, async () => {
      const columns = new Map<string, unknown[]>()
      for (const { node: leaf } of stored) {
        const name = leaf.path.join('.')
        columns.set(name, [await this.#leaf(name, group, row, where)])
      }
      return interpreted(shapeOf(node), assembled(columns, node, 1, where)[0])
    })
  }

  /** A column of lists: all of its values in the row group. */
  async #column(node: SchemaTree, group: number): Promise<readonly unknown[]> {
    const bytes = storedColumns(node).reduce((sum, { node: leaf }) => {
      const meta = metaOf(this.#file.metadata.row_groups[group]!, leaf.path.join('.'), leaf.element.name)
      return sum + Number(meta.total_uncompressed_size)
    }, 0)
    const key = `${group} ${node.element.name}`
    return await this.#recent.get(key, bytes, () => columnValues(this.#file, group, node))
  }

  async #leaf(name: string, group: number, row: number, where: string): Promise<unknown> {
    const { row_groups: groups } = this.#file.metadata
    const meta = metaOf(groups[group]!, name, where)
    const key = `${group} ${name}`
    const found = this.#pages.get(key) ?? this.#pagesOf(meta, Number(groups[group]!.num_rows), where)
    this.#pages.set(key, found)
    const { dictionary, pages } = await found
    const page = pages.findLast((one) => one.row <= row)
    if (page === undefined) throw new ParquetProblem(`${where} has no page with row ${row + 1}`)
    const values = await this.#recent.get(`${key} ${page.row}`, page.bytes, async () => {
      const parts = dictionary === undefined ? [page] : [dictionary, page]
      const bytes = await Promise.all(
        parts.map(({ start, end }) => this.#file.source.read(start, end - start)),
      )
      return this.#decoded(joined(bytes), { ...meta, num_values: BigInt(page.rows) }, page.rows, where)
    })
    return values[row - page.row]
  }

  #decoded(bytes: Uint8Array<ArrayBuffer>, meta: ColumnMetaData, rows: number, where: string): unknown[] {
    try {
      // The counts of the statistics are those of the whole column.
      return storedValues(bytes, this.#file.root, { ...meta, statistics: undefined }, rows)
    } catch (cause) {
      throw new ParquetProblem(`${where}: ${words(cause)}`, { cause })
    }
  }

  /** Goes from header to header. */
  async #pagesOf(meta: ColumnMetaData, rows: number, where: string): Promise<Pages> {
    const { start, end } = rangeOf(meta, where)
    const pages: Page[] = []
    let dictionary: Pages['dictionary']
    let row = 0
    // The decoder leaves a single byte of padding unread; so does this loop.
    for (let at = start; at < end - 1; ) {
      const { header, size } = await this.#header(at, end, where)
      const next = at + size + header.compressed_page_size
      if (!(header.compressed_page_size >= 0 && next <= end))
        throw new ParquetProblem(`${where}: a page ends at byte ${next}, the column at byte ${end}`)
      if (header.type === 'DICTIONARY_PAGE') dictionary = { start: at, end: next }
      const own = header.data_page_header_v2?.num_rows ?? header.data_page_header?.num_values
      if (header.type !== 'DICTIONARY_PAGE' && own !== undefined && own > 0) {
        pages.push({ start: at, end: next, row, rows: own, bytes: header.uncompressed_page_size })
        row += own
      }
      at = next
    }
    if (row === rows) return { dictionary, pages }
    throw new ParquetProblem(`${where}: its pages hold ${row} rows, the footer promises ${rows}`)
  }

  /** The header of a page, and its length. A header with long statistics takes another read. */
  async #header(at: number, end: number, where: string) {
    for (let window = HEADER; ; window *= 8) {
      const bytes = await this.#file.source.read(at, Math.min(window, end - at))
      const reader = { view: new DataView(bytes.buffer), offset: 0 }
      try {
        const header = parquetHeader(reader)
        if (reader.offset <= bytes.length) return { header, size: reader.offset }
      } catch (cause) {
        if (bytes.length === end - at) throw new ParquetProblem(`${where}: ${words(cause)}`, { cause })
      }
      if (bytes.length === end - at) throw new ParquetProblem(`${where}: the header of a page has no end`)
    }
  }
}

/** Bytes that most headers fit into. */
const HEADER = 1024

function joined(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const [only, ...others] = parts
  if (only !== undefined && others.length === 0) return only
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
