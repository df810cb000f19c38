/**
 * @file Vectors as a Parquet file: columns `index`, `id`, `scale`, `vector`, the last a list that
 * pandas, DuckDB and Spark read as one.
 */

import type { SchemaElement } from 'hyparquet'
import { ByteWriter, type ColumnSource, ParquetWriter } from 'hyparquet-writer'
import { chunks, indices } from '../batching.ts'
import type { VectorRows } from './file.ts'

/** Rows of a row group. */
const GROUP = 4096

/** Parquet stores whole numbers of eight bits in 32; the converted type says which they are. */
const ELEMENTS: {
  readonly [D in VectorRows['vectors']['dtype']]: Pick<SchemaElement, 'type' | 'converted_type'>
} = {
  f32: { type: 'FLOAT' },
  i8: { type: 'INT32', converted_type: 'INT_8' },
  u8: { type: 'INT32', converted_type: 'UINT_8' },
}

/** Gives the file's bytes, one row group at a time; `id` and `scale` where the rows have them. */
export function* parquetPieces(
  rows: VectorRows,
  metadata: Readonly<Record<string, string>>,
): Generator<Uint8Array> {
  const { vectors, scales, kept, ids } = rows
  const dim = vectors.dims[1] ?? 0
  const plain: { element: SchemaElement; value: (row: number) => number | string }[] = [
    { element: { name: 'index', type: 'INT32', repetition_type: 'REQUIRED' }, value: (row) => kept[row]! },
  ]
  if (ids !== undefined) {
    plain.push({
      element: { name: 'id', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
      value: (row) => ids[row]!,
    })
  }
  if (scales !== undefined) {
    plain.push({
      element: { name: 'scale', type: 'FLOAT', repetition_type: 'REQUIRED' },
      value: (row) => scales.data[row]!,
    })
  }
  const schema: SchemaElement[] = [
    { name: 'root', num_children: plain.length + 1 },
    ...plain.map(({ element }) => element),
    { name: 'vector', repetition_type: 'REQUIRED', converted_type: 'LIST', num_children: 1 },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', repetition_type: 'REQUIRED', ...ELEMENTS[vectors.dtype] },
  ]
  const writer = new ByteWriter()
  const kvMetadata = Object.entries(metadata).map(([key, value]) => ({ key, value }))
  const file = new ParquetWriter({ writer, schema, kvMetadata, createdBy: 'bifocal' })
  for (const group of chunks(indices(kept.length), GROUP)) {
    const columnData: ColumnSource[] = [
      ...plain.map(({ element: { name }, value }) => ({ name, data: group.map(value) })),
      // Floats of a unit vector hardly repeat: dictionary and compression cost time and save
      // nothing.
      {
        name: 'vector',
        data: group.map((row) => Array.from(vectors.data.subarray(row * dim, (row + 1) * dim))),
        encoding: 'PLAIN',
        codec: 'UNCOMPRESSED',
        statistics: false,
      },
    ]
    file.write({ columnData, rowGroupSize: GROUP })
    yield taken(writer)
  }
  file.finish()
  yield taken(writer)
}

/** The bytes since the last call. Resets the writer's buffer, but not its count of bytes. */
function taken(writer: ByteWriter): Uint8Array {
  const bytes = writer.getBytes().slice()
  writer.index = 0
  return bytes
}
