/** @file Items as a Parquet file: read row group by row group, because pictures may lie inside. */

import {
  type AsyncBuffer,
  asyncBufferFromFile,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { readFailure, systemCode } from '../../foundation/files/errors.ts'
import { ItemError } from './errors.ts'
import { checkColumns, columnOf, lineOf, PARTS, type RecordPlace } from './record.ts'
import type { ItemLine, ItemSource } from './source.ts'

/**
 * @param path a file, e.g. of a Hugging Face dataset: a picture is a path, its bytes, or
 *   `{ bytes, path }`
 * @throws FileError `file/missing`, `file/read`; ItemError `data/table`,
 *   `data/columns`
 */
export async function openParquet(path: string, at: RecordPlace): Promise<ItemSource> {
  const file = await attempt(path, () => asyncBufferFromFile(path))
  const metadata = await attempt(path, () => parquetMetadataAsync(file))
  const names = parquetSchema(metadata).children.map(({ element }) => element.name)
  checkColumns(names, at)
  const columns = PARTS.map((part) => columnOf(at.columns, part)).filter((name) => names.includes(name))
  return {
    name: path,
    path,
    total: Number(metadata.num_rows),
    lines: () => rowGroups(path, file, metadata, columns, at),
  }
}

async function* rowGroups(
  path: string,
  file: AsyncBuffer,
  metadata: FileMetaData,
  columns: string[],
  at: RecordPlace,
): AsyncGenerator<ItemLine> {
  let rowStart = 0
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows)
    // Bytes stay bytes; what the file calls text becomes text all the same.
    const range = { rowStart, rowEnd, columns, utf8: false }
    const rows = await attempt(path, () => parquetReadObjects({ file, metadata, compressors, ...range }))
    for (const [i, row] of rows.entries()) yield lineOf(row, rowStart + i + 1, at, false)
    rowStart = rowEnd
  }
}

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (systemCode(cause) !== undefined) throw readFailure(path, cause)
    throw new ItemError('table', {
      message: `${path} is no readable Parquet file: ${cause instanceof Error ? cause.message : cause}`,
      hint: 'Is the file complete? A Git LFS pointer also looks like this: fetch the file itself.',
      cause,
    })
  }
}
