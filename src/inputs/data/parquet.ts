/** @file Items as a Parquet file: read row group by row group, because pictures may lie inside. */

import type { SchemaTree } from 'hyparquet'
import { fileSource } from '../../foundation/files/byte-source.ts'
import { checkColumns, type Field, type RecordPlace, unusedNames, usedColumns } from './columns.ts'
import { columnValues, openParquetFile, type ParquetFile } from './parquet-file.ts'
import { checkShape, shapeOf } from './parquet-shape.ts'
import { lineOf } from './record.ts'
import type { ItemLine, ItemSource } from './source.ts'

/** A column that is used. */
interface UsedColumn {
  field: Field
  node: SchemaTree
}

/**
 * Opens a Parquet file.
 * @param path of a file, e.g. of a Hugging Face dataset: a picture is a path, its bytes, or
 *   `{ bytes, path }`
 * @throws FileError `file/missing`, `file/read`; ItemError `data/table` for a file that can't be
 *   read or contradicts itself, `data/columns`. Reading a row group throws the same
 */
export async function openParquet(path: string, at: RecordPlace): Promise<ItemSource> {
  const { metadata, root, names } = await withFile(path, async (file) => file)
  checkColumns(names, at)
  const used = usedColumns(at.columns).flatMap(([field, column]): UsedColumn[] => {
    const node = root.children.find(({ element }) => element.name === column)
    return node === undefined ? [] : [{ field, node }]
  })
  for (const { field, node } of used) checkShape(at.name, [field, node.element.name], shapeOf(node))
  return { name: path, path, total: Number(metadata.num_rows), lines: () => rows(path, used, at) }
}

/** The file is open while `work` runs. */
async function withFile<T>(path: string, work: (file: ParquetFile) => Promise<T>): Promise<T> {
  const source = await fileSource(path)
  try {
    return await work(await openParquetFile(source))
  } finally {
    await source.close()
  }
}

async function* rows(path: string, used: readonly UsedColumn[], at: RecordPlace): AsyncGenerator<ItemLine> {
  const source = await fileSource(path)
  try {
    const file = await openParquetFile(source)
    unusedNames(at)(file.names, 'column')
    let before = 0
    for (const [index, { num_rows: size }] of file.metadata.row_groups.entries()) {
      const count = Number(size)
      if (count === 0) continue
      const values = new Map<Field, readonly unknown[]>()
      for (const { field, node } of used) values.set(field, await columnValues(file, index, node))
      for (let row = 0; row < count; row++)
        yield lineOf((field) => values.get(field)?.[row], before + row + 1, at)
      before += count
    }
  } finally {
    await source.close()
  }
}
