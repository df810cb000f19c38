/** @file A Parquet file: its schema, its row groups, and the values of a column in one of them. */

import {
  type ColumnMetaData,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetSchema,
  type RowGroup,
  type SchemaElement,
  type SchemaTree,
} from 'hyparquet'
import { assembleNested } from 'hyparquet/src/assemble.js'
import { readColumn } from 'hyparquet/src/column.js'
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js'
import { getTreePath } from 'hyparquet/src/schema.js'
import { compressors } from 'hyparquet-compressors'
import type { ByteSource } from '../../foundation/files/byte-source.ts'
import { FileError } from '../../foundation/files/errors.ts'
import { ItemError } from './errors.ts'
import { checkFooter, checkPages, ParquetProblem, rangeOf, storedColumns } from './parquet-check.ts'
import { interpreted, shapeOf } from './parquet-shape.ts'

/** A Parquet file whose footer was read. */
export interface ParquetFile {
  readonly source: ByteSource
  readonly metadata: FileMetaData
  readonly root: SchemaTree
  /** Of the columns, as they stand in the file: one may be there twice. */
  readonly names: readonly string[]
}

/**
 * Reads the footer of a Parquet file.
 * @throws ItemError `data/table` for a file that can't be read or contradicts itself; FileError
 */
export async function openParquetFile(source: ByteSource): Promise<ParquetFile> {
  return await attempt(source.name, async () => {
    await checkPointer(source)
    const file = {
      byteLength: source.size,
      slice: async (start: number, end = source.size) => (await source.read(start, end - start)).buffer,
    }
    const metadata = listMarked(
      await parquetMetadataAsync(file, { geoparquet: false, parsers: PLAIN_STATISTICS }),
    )
    const root = parquetSchema(metadata)
    checkFooter(metadata, root, source.size)
    return { source, metadata, root, names: root.children.map(({ element }) => element.name) }
  })
}

/**
 * Reads the values of a column in one row group.
 * @param index of the row group
 * @returns a value for each row, as the column's shape says
 * @throws ItemError `data/table`; FileError
 */
export async function columnValues(
  file: ParquetFile,
  index: number,
  node: SchemaTree,
): Promise<readonly unknown[]> {
  const group = file.metadata.row_groups[index]!
  const where = `row group ${index + 1}, column ${node.element.name}`
  const stored = await attempt(file.source.name, () => columnOf(file, group, node, where))
  const shape = shapeOf(node)
  return stored.map((value) => interpreted(shape, value))
}

/** Git LFS leaves small files of text in the place of large ones. */
async function checkPointer(source: ByteSource): Promise<void> {
  const start = Buffer.from(await source.read(0, Math.min(source.size, POINTER.length))).toString('latin1')
  if (start === POINTER)
    throw new ParquetProblem('it is a pointer of Git LFS, which says where the file itself is', {
      kind: 'parquet-lfs-pointer',
    })
}

const POINTER = 'version https://git-lfs'

/** Statistics are not used; one that can't be read is no reason to refuse a file. */
const PLAIN_STATISTICS = { jsonFromBytes: (bytes: Uint8Array) => bytes }

/** Newer writers mark a list by its logical type alone, which the decoder does not look at. */
function listMarked(metadata: FileMetaData): FileMetaData {
  const marked = ({ logical_type: logical, ...element }: SchemaElement): SchemaElement =>
    logical?.type === 'LIST'
      ? { ...element, logical_type: logical, converted_type: 'LIST' }
      : { ...element, logical_type: logical }
  return { ...metadata, schema: metadata.schema.map(marked) }
}

/** The values of one column in one row group, as they are stored. */
async function columnOf(
  file: ParquetFile,
  group: RowGroup,
  node: SchemaTree,
  where: string,
): Promise<readonly unknown[]> {
  const count = Number(group.num_rows)
  const columns = new Map<string, unknown[]>()
  for (const { node: stored } of storedColumns(node)) {
    const name = stored.path.join('.')
    const meta = metaOf(group, name, where)
    const { start, end } = rangeOf(meta, where)
    const bytes = await file.source.read(start, end - start)
    try {
      columns.set(name, storedValues(bytes, file.root, meta, count))
    } catch (cause) {
      throw new ParquetProblem(`${where}: ${words(cause)}`, { cause })
    }
  }
  return assembled(columns, node, count, where)
}

/**
 * Describes a stored column of a row group.
 * @param name its path in the schema, joined by dots
 * @throws ParquetProblem
 */
export function metaOf(group: RowGroup, name: string, where: string): ColumnMetaData {
  const meta = group.columns.find(({ meta_data: own }) => own?.path_in_schema.join('.') === name)?.meta_data
  if (meta !== undefined) return meta
  throw new ParquetProblem(`${where} is not there`)
}

/**
 * Joins stored columns to the values of a column that holds objects or lists.
 * @param columns by their paths; those of the node are taken out
 * @throws ParquetProblem for another number of values
 */
export function assembled(
  columns: Map<string, unknown[]>,
  node: SchemaTree,
  count: number,
  where: string,
): readonly unknown[] {
  if (node.children.length > 0) assembleNested(columns, node, DEFAULT_PARSERS)
  const values = columns.get(node.path.join('.'))
  if (values?.length === count) return values
  throw new ParquetProblem(`${where} holds ${values?.length} rows, the footer promises ${count}`)
}

/**
 * Decodes a stored column. Nothing in it waits: a column that fails leaves no other one running.
 * @param bytes its pages, the dictionary first
 * @param count rows of these pages
 * @throws ParquetProblem; errors of the decoder
 */
export function storedValues(
  bytes: Uint8Array<ArrayBuffer>,
  root: SchemaTree,
  meta: ColumnMetaData,
  count: number,
): unknown[] {
  checkPages(bytes, meta)
  const schemaPath = getTreePath(root, meta.path_in_schema)
  // Without its marks a value stays as it is stored: the decoder would round decimal numbers and
  // times, and put U+FFFD in the place of bytes that are no UTF-8.
  const { converted_type: _, logical_type: __, ...element } = schemaPath.at(-1)!.element
  const { data } = readColumn(
    { view: new DataView(bytes.buffer), offset: 0 },
    { groupStart: 0, groupRows: count, selectStart: 0, selectEnd: count },
    {
      pathInSchema: meta.path_in_schema,
      type: meta.type,
      element,
      schemaPath,
      codec: meta.codec,
      parsers: DEFAULT_PARSERS,
      compressors: unpackers,
      utf8: false,
    },
  )
  const values = data.flatMap((page): unknown[] => Array.from<unknown>(page))
  if (values.some(isIncomplete)) throw new ParquetProblem('a page holds fewer values than it promises')
  // A schema that wrongly says that no value is absent makes the decoder read the marks of absent
  // ones as values.
  const promised = meta.statistics?.null_count
  const absent = values.filter((value) => value === null).length
  if (promised !== undefined && schemaPath.length === FLAT && BigInt(absent) !== promised)
    throw new ParquetProblem(`${absent} values are absent, the statistics say ${promised}`)
  return values
}

/** The root and the column itself. */
const FLAT = 2

/** A page without values is packed by some codecs as one byte, which their readers stumble over. */
const unpackers: Compressors = Object.fromEntries(
  Object.entries(compressors).map(([codec, unpack]) => [
    codec,
    (bytes: Uint8Array, length: number) => (length === 0 ? new Uint8Array(0) : unpack(bytes, length)),
  ]),
)

/** Absent values are null: undefined is one that the page did not have. */
function isIncomplete(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.some(isIncomplete))
}

/** Runs a part of the reading; what fails becomes an error with the file's name. */
export async function attempt<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    // The file could not be read at all, or is another one by now.
    if (cause instanceof FileError) throw cause
    throw new ItemError('table', {
      message: `${name} is no readable Parquet file: ${words(cause)}`,
      hint:
        cause instanceof ParquetProblem
          ? 'The file is damaged, cut short or written in another way: fetch it or write it again.'
          : 'Is the file complete? A Git LFS pointer also looks like this: fetch the file itself.',
      cause,
    })
  }
}

/** An error in words. */
export function words(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
