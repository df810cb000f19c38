/** @file Reads vectors from a Parquet file: a column of lists of numbers. */

import { fileSource } from '../../../../foundation/files/byte-source.ts'
import { columnValues, openParquetFile, type ParquetFile } from '../../../../inputs/data/parquet-file.ts'
import { damaged, type ReadVectorsOptions, SetCollector, VECTOR_NAMES, type VectorSet } from './set.ts'

/**
 * The columns `id`, `index` and `scale` are used where they are there, as `embed` writes them.
 * @throws EmbedderError `embedder/vector-file`; ItemError `data/table`; FileError
 */
export async function readParquetVectors(path: string, { name }: ReadVectorsOptions): Promise<VectorSet> {
  const source = await fileSource(path)
  try {
    const file = await openParquetFile(source)
    const column = columnOf(file, path, name)
    const set = new SetCollector(path, Number(file.metadata.num_rows))
    let before = 0
    for (const [group, { num_rows: size }] of file.metadata.row_groups.entries()) {
      const vectors = await values(file, group, column)
      const [ids, indices, scales] = [
        await values(file, group, 'id'),
        await values(file, group, 'index'),
        await values(file, group, 'scale'),
      ]
      for (const [row, value] of (vectors ?? []).entries()) {
        const where = `row ${before + row}`
        const scale = scales === undefined ? 1 : Number(scales[row])
        const vector = vectorOf(value, path, where).map((element) => element * scale)
        const id = ids?.[row]
        const index = indices === undefined ? before + row : Number(indices[row])
        set.add({ vector, index, ...(ids !== undefined && { id: String(id) }) }, where)
      }
      before += Number(size)
    }
    return set.finish()
  } finally {
    await source.close()
  }
}

function columnOf({ names }: ParquetFile, path: string, asked: string | undefined): string {
  const found = asked ?? VECTOR_NAMES.find((name) => names.includes(name))
  if (found !== undefined && names.includes(found)) return found
  const lacking = asked === undefined ? 'no column of vectors' : `no column "${asked}"`
  throw damaged(path, `${lacking}: its columns are ${names.join(', ')}`)
}

async function values(
  file: ParquetFile,
  group: number,
  column: string,
): Promise<readonly unknown[] | undefined> {
  const node = file.root.children.find(({ element }) => element.name === column)
  return node === undefined ? undefined : await columnValues(file, group, node)
}

/** @throws EmbedderError `embedder/vector-file` for anything but a list of numbers */
export function vectorOf(value: unknown, path: string, where: string): Float32Array {
  if (Array.isArray(value) && value.length > 0 && value.every((element) => typeof element === 'number'))
    return Float32Array.from(value)
  throw damaged(path, `${where}: expected a list of numbers, got ${JSON.stringify(value)?.slice(0, 40)}`)
}
