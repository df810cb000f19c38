/**
 * @file Checks that a Parquet file holds what its footer promises. The decoder trusts the footer
 *   and the headers of pages: a missing row would become an item without text, or no item.
 */

import { crc32 } from 'node:zlib'
import type { ColumnChunk, ColumnMetaData, FileMetaData, PageHeader, SchemaTree } from 'hyparquet'
import { parquetHeader } from 'hyparquet/src/column.js'
import { compressors } from 'hyparquet-compressors'

/** Faults that reports tell apart from other ones. */
export type ParquetFault = 'parquet-codec' | 'parquet-row-count' | 'parquet-lfs-pointer'

/** A file that contradicts itself, or is written in a way that is not read. */
export class ParquetProblem extends Error {
  readonly kind: ParquetFault | undefined

  constructor(message: string, { kind, cause }: { kind?: ParquetFault; cause?: unknown } = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.kind = kind
  }
}

/** A column as the file stores it: one of several, where its values are objects. */
export interface StoredColumn {
  readonly node: SchemaTree
  /** Whether a row may hold several values. */
  readonly repeated: boolean
}

/** Where bytes stand in a file: from `start` to before `end`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** The stored columns below a node of the schema, in the order of each row group. */
export function storedColumns(node: SchemaTree, repeatedAbove = false): StoredColumn[] {
  const repeated = repeatedAbove || node.element.repetition_type === 'REPEATED'
  if (node.children.length === 0) return [{ node, repeated }]
  return node.children.flatMap((child) => storedColumns(child, repeated))
}

/**
 * Checks the numbers of the footer against each other and against the file.
 * @param root of the schema
 * @param size of the file in bytes
 * @throws ParquetProblem
 */
export function checkFooter(metadata: FileMetaData, root: SchemaTree, size: number): void {
  const stored = root.children.flatMap((child) => storedColumns(child))
  for (const child of root.children) checkSchema(child)
  const promised = wholeNumber(metadata.num_rows, 'the file', 'rows')
  const ranges: ByteRange[] = []
  let held = 0
  for (const [index, { num_rows: own, columns }] of metadata.row_groups.entries()) {
    const group = `row group ${index + 1}`
    const rows = wholeNumber(own, group, 'rows')
    held += rows
    if (columns.length !== stored.length)
      throw new ParquetProblem(`${group} has ${columns.length} columns, the schema has ${stored.length}`)
    for (const [i, column] of stored.entries()) {
      const where = `${group}, column ${column.node.path.join('.')}`
      const meta = checkChunk(columns[i]!, column, { rows, where })
      const range = rangeOf(meta, where)
      if (range.end > range.start) ranges.push(range)
    }
  }
  if (held !== promised)
    throw new ParquetProblem(`the footer promises ${promised} rows, the row groups hold ${held}`, {
      kind: 'parquet-row-count',
    })
  checkRanges(ranges, size - metadata.metadata_length - FOOTER_END)
}

/** A column that says neither whether its values may be absent nor their type is read as none. */
function checkSchema({ element, path, children }: SchemaTree): void {
  if (element.repetition_type === undefined || (children.length === 0 && element.type === undefined))
    throw new ParquetProblem(`column ${path.join('.')} has no type or no repetition type that is known`)
  for (const child of children) checkSchema(child)
}

/** The length of the metadata and the magic word, behind the metadata. */
const FOOTER_END = 8
/** The magic word at the start of the file. */
const FILE_START = 4

function checkChunk(
  { meta_data: meta, file_path: path }: ColumnChunk,
  { node, repeated }: StoredColumn,
  { rows, where }: { rows: number; where: string },
): ColumnMetaData {
  if (path) throw new ParquetProblem(`${where}: its values lie in another file, ${path}`)
  if (meta === undefined) throw new ParquetProblem(`${where}: no metadata; is the column encrypted?`)
  const called = meta.path_in_schema.join('.')
  if (called !== node.path.join('.')) throw new ParquetProblem(`${where}: the row group calls it ${called}`)
  if (meta.type !== node.element.type)
    throw new ParquetProblem(`${where}: its type is ${meta.type}, the schema says ${node.element.type}`)
  const values = wholeNumber(meta.num_values, where, 'values')
  if (repeated ? values < rows : values !== rows)
    throw new ParquetProblem(`${where}: ${values} values for ${rows} rows`)
  return meta
}

/** Where a column of a row group stands. @throws ParquetProblem */
export function rangeOf(meta: ColumnMetaData, where: string): ByteRange {
  // Some writers say 0 where there is no dictionary.
  const first = meta.dictionary_page_offset || meta.data_page_offset
  const start = wholeNumber(first, where, 'as first byte')
  const size = wholeNumber(meta.total_compressed_size, where, 'bytes')
  return { start, end: start + size }
}

/** Every range lies between `FILE_START` and `end`, and apart from all others. */
function checkRanges(ranges: readonly ByteRange[], end: number): void {
  let before: ByteRange = { start: 0, end: FILE_START }
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    if (range.start < before.end)
      throw new ParquetProblem(
        `bytes ${range.start} to ${range.end} of a column lie within bytes ${before.start} to ${before.end}, which are something else's`,
      )
    before = range
  }
  if (before.end > Math.max(end, FILE_START))
    throw new ParquetProblem(
      `a column ends at byte ${before.end}, the metadata begin at byte ${end}: is the file cut short?`,
    )
}

function wholeNumber(value: bigint | undefined, where: string, what: string): number {
  const number = Number(value)
  if (Number.isSafeInteger(number) && number >= 0) return number
  throw new ParquetProblem(
    value === undefined ? `${where} does not say its ${what}` : `${where} has ${value} ${what}`,
  )
}

/** Values of one page at most: the decoder makes an array of as many before it reads one. */
const PAGE_LIMIT = 2 ** 24

/**
 * Checks the headers of a column's pages, and the checksums of those that have one.
 * @param bytes of the column in one row group
 * @throws ParquetProblem
 */
export function checkPages(bytes: Uint8Array, { codec, num_values: promised }: ColumnMetaData): void {
  if (codec !== 'UNCOMPRESSED' && compressors[codec] === undefined)
    throw new ParquetProblem(`it is compressed by ${codec ?? 'an unknown codec'}, which is not read`, {
      kind: 'parquet-codec',
    })
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 }
  let values = 0n
  // The decoder leaves a single byte of padding unread; so does this loop.
  while (reader.offset < bytes.length - 1) {
    const header = parquetHeader(reader)
    const size = header.compressed_page_size
    if (!(size >= 0 && reader.offset + size <= bytes.length))
      throw new ParquetProblem(`a page of ${size} bytes where ${bytes.length - reader.offset} are left`)
    const page = bytes.subarray(reader.offset, reader.offset + size)
    reader.offset += size
    if (header.crc !== undefined && crc32(page) !== header.crc >>> 0)
      throw new ParquetProblem('the checksum of a page does not fit its bytes')
    const count = valuesOf(header)
    if (header.type !== 'DICTIONARY_PAGE') values += BigInt(count)
  }
  if (values !== promised)
    throw new ParquetProblem(`its pages hold ${values} values, the footer promises ${promised}`)
}

/**
 * The number of values of a page. The decoder does not check that a header has its numbers: without
 * one of them it would loop without end.
 */
function valuesOf(header: PageHeader): number {
  const { type, compressed_page_size: size, data_page_header_v2: second } = header
  const own = { DATA_PAGE: header.data_page_header, DATA_PAGE_V2: second }[String(type)]
  const { num_values: count, encoding } = own ?? header.dictionary_page_header ?? {}
  if (encoding === undefined || count === undefined || !isCount(header.uncompressed_page_size))
    throw new ParquetProblem(`a page of type ${type} without the header of its type`)
  if (!isCount(count) || count > PAGE_LIMIT)
    throw new ParquetProblem(`a page of ${count} values, more than ${PAGE_LIMIT}`)
  if (type === 'DATA_PAGE_V2' && second !== undefined) {
    const { num_nulls: nulls, num_rows: rows } = second
    const levels = [second.repetition_levels_byte_length, second.definition_levels_byte_length ?? -1]
    const fits = nulls <= count && rows <= count && levels[0]! + levels[1]! <= size
    if (![nulls, rows, ...levels].every(isCount) || !fits)
      throw new ParquetProblem('the header of a page contradicts itself')
  }
  return count
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
