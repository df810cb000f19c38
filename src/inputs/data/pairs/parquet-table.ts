/** @file A Parquet file as rows that can be read in any order. */

import type { SchemaTree } from 'hyparquet'
import type { ByteSource } from '../../../foundation/files/byte-source.ts'
import { ParquetCells } from '../parquet-cells.ts'
import { columnValues, openParquetFile } from '../parquet-file.ts'
import { type Shape, shapeOf } from '../parquet-shape.ts'
import { BrokenText } from '../value.ts'
import type { RowRecord, RowTable, ScannedRow } from './table.ts'

/**
 * Reads the footer. Takes the file over: `close` closes it.
 * @throws ItemError `data/table` for a file that can't be read or contradicts itself
 */
export async function parquetTable(source: ByteSource): Promise<RowTable> {
  const file = await openParquetFile(source)
  const cells = new ParquetCells(file)
  const sizes = file.metadata.row_groups.map(({ num_rows: rows }) => Number(rows))
  /** The first row of each row group. */
  let rows = 0
  const firsts = sizes.map((size) => {
    rows += size
    return rows - size
  })
  let used: readonly SchemaTree[] = file.root.children

  async function* scan(): AsyncGenerator<ScannedRow> {
    for (const [index, size] of sizes.entries()) {
      if (size === 0) continue
      const columns = new Map<string, readonly unknown[]>()
      for (const node of used) columns.set(node.element.name, await columnValues(file, index, node))
      for (let row = 0; row < size; row++)
        yield {
          line: firsts[index]! + row + 1,
          record: recordOf(used, (name) => columns.get(name)?.[row]),
        }
    }
  }
  return {
    name: source.name,
    noun: 'row',
    columns: file.names,
    only: (columns) => {
      used = file.root.children.filter(({ element }) => columns.includes(element.name))
    },
    scan,
    read: async (row) => {
      const index = firsts.findLastIndex((first, i) => first <= row && sizes[i]! > 0)
      const values = new Map<string, unknown>()
      for (const node of used)
        values.set(node.element.name, await cells.value(node, index, row - firsts[index]!))
      return recordOf(used, (name) => values.get(name))
    },
    close: () => source.close(),
  }
}

function recordOf(used: readonly SchemaTree[], value: (name: string) => unknown): RowRecord {
  return Object.fromEntries(
    used.map((node) => [node.element.name, marked(shapeOf(node), value(node.element.name))]),
  )
}

/** A value whose texts that are no UTF-8 are marked as such: bytes would pass for a picture. */
function marked(shape: Shape, value: unknown): unknown {
  if (shape.form === 'leaf')
    return shape.kind === 'text' && value instanceof Uint8Array ? new BrokenText() : value
  if (shape.form === 'list' && Array.isArray(value)) return value.map((one: unknown) => marked(shape.of, one))
  if (shape.form !== 'struct' || typeof value !== 'object' || value === null) return value
  const members = new Map<string, unknown>(Object.entries(value))
  return Object.fromEntries([...shape.members].map(([name, own]) => [name, marked(own, members.get(name))]))
}
