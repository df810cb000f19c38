/** @file Items as a Parquet file: read row group by row group, because pictures may lie inside. */

import { open } from 'node:fs/promises'
import {
  asyncBufferFromFile,
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
import { readFailure, systemCode } from '../../foundation/files/errors.ts'
import { checkColumns, type Field, type RecordPlace, unusedNames, usedColumns } from './columns.ts'
import { ItemError } from './errors.ts'
import {
  type ByteRange,
  checkFooter,
  checkPages,
  ParquetProblem,
  rangeOf,
  storedColumns,
} from './parquet-check.ts'
import { checkShape, interpreted, type Shape, shapeOf } from './parquet-shape.ts'
import { lineOf } from './record.ts'
import type { ItemLine, ItemSource } from './source.ts'

/** A column that is used. */
interface UsedColumn {
  field: Field
  node: SchemaTree
  shape: Shape
}

/**
 * Opens a Parquet file.
 * @param path of a file, e.g. of a Hugging Face dataset: a picture is a path, its bytes, or
 *   `{ bytes, path }`
 * @throws FileError `file/missing`, `file/read`; ItemError `data/table` for a file that can't be
 *   read or contradicts itself, `data/columns`. Reading a row group throws the same
 */
export async function openParquet(path: string, at: RecordPlace): Promise<ItemSource> {
  const { metadata, root } = await attempt(path, async () => {
    const file = await asyncBufferFromFile(path)
    const found = listMarked(
      await parquetMetadataAsync(file, { geoparquet: false, parsers: PLAIN_STATISTICS }),
    )
    const schema = parquetSchema(found)
    checkFooter(found, schema, file.byteLength)
    return { metadata: found, root: schema }
  })
  const names = root.children.map(({ element }) => element.name)
  checkColumns(names, at)
  const used = usedColumns(at.columns).flatMap(([field, column]): UsedColumn[] => {
    const node = root.children.find(({ element }) => element.name === column)
    return node === undefined ? [] : [{ field, node, shape: shapeOf(node) }]
  })
  for (const { field, node, shape } of used) checkShape(at.name, [field, node.element.name], shape)
  return {
    name: path,
    path,
    total: Number(metadata.num_rows),
    lines: () => rows({ path, metadata, root }, used, at),
  }
}

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

interface ParquetFile {
  path: string
  metadata: FileMetaData
  root: SchemaTree
}

async function* rows(
  file: ParquetFile,
  used: readonly UsedColumn[],
  at: RecordPlace,
): AsyncGenerator<ItemLine> {
  const names = file.root.children.map(({ element }) => element.name)
  unusedNames(at)(names, 'column')
  let before = 0
  for (const [index, group] of file.metadata.row_groups.entries()) {
    const count = Number(group.num_rows)
    if (count === 0) continue
    const values = new Map<Field, readonly unknown[]>()
    for (const { field, node, shape } of used) {
      const where = `row group ${index + 1}, column ${node.element.name}`
      const stored = await attempt(file.path, () => columnOf(file, group, node, where))
      values.set(
        field,
        stored.map((value) => interpreted(shape, value)),
      )
    }
    for (let row = 0; row < count; row++)
      yield lineOf((field) => values.get(field)?.[row], before + row + 1, at)
    before += count
  }
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
    const meta = group.columns.find(({ meta_data: own }) => own?.path_in_schema.join('.') === name)?.meta_data
    if (meta === undefined) throw new ParquetProblem(`${where} is not there`)
    const bytes = await bytesOf(file.path, rangeOf(meta, where))
    try {
      columns.set(name, storedValues(bytes, file.root, meta, count))
    } catch (cause) {
      throw new ParquetProblem(`${where}: ${words(cause)}`, { cause })
    }
  }
  if (node.children.length > 0) assembleNested(columns, node, DEFAULT_PARSERS)
  const values = columns.get(node.path.join('.'))
  if (values?.length === count) return values
  throw new ParquetProblem(`${where} holds ${values?.length} rows, the footer promises ${count}`)
}

/**
 * Decodes a stored column. Nothing in it waits: a column that fails leaves no other one running.
 * @param count rows of the row group
 */
function storedValues(
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

/** No read takes more than 2 GiB. */
const PIECE = 2 ** 30

async function bytesOf(path: string, { start, end }: ByteRange): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(end - start)
  const file = await open(path)
  try {
    for (let at = 0; at < bytes.length; ) {
      const { bytesRead } = await file.read(bytes, at, Math.min(PIECE, bytes.length - at), start + at)
      if (bytesRead === 0) throw new ParquetProblem(`the file ends at byte ${start + at}`)
      at += bytesRead
    }
  } finally {
    await file.close()
  }
  return bytes
}

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    // Codes of Node's own (`ERR_…`) are the decoder's: it reached beyond the bytes that it has.
    if (/^E(?!RR_)/.test(systemCode(cause) ?? '')) throw readFailure(path, cause)
    throw new ItemError('table', {
      message: `${path} is no readable Parquet file: ${words(cause)}`,
      hint:
        cause instanceof ParquetProblem
          ? 'The file is damaged, cut short or written in another way: fetch it or write it again.'
          : 'Is the file complete? A Git LFS pointer also looks like this: fetch the file itself.',
      cause,
    })
  }
}

function words(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
