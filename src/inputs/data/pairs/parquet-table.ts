/**
 * @file A Parquet file as rows that can be read in any order. A row needs its whole row group; the
 * ones used last stay in memory, up to a limit.
 */

import type { ByteSource } from '../../../foundation/files/byte-source.ts'
import { columnValues, openParquetFile } from '../parquet-file.ts'
import { type Shape, shapeOf } from '../parquet-shape.ts'
import { BrokenText } from '../value.ts'
import type { RowRecord, RowTable, ScannedRow } from './table.ts'

/** Bytes of decoded row groups that are kept: at least one group is, however large. */
const KEPT_BYTES = 2 ** 28

/** The values of a row group by their columns. */
type Group = ReadonlyMap<string, readonly unknown[]>

/**
 * Reads the footer. Takes the file over: `close` closes it.
 * @throws ItemError `data/table` for a file that can't be read or contradicts itself
 */
export async function parquetTable(source: ByteSource): Promise<RowTable> {
  const file = await openParquetFile(source)
  const sizes = file.metadata.row_groups.map(({ num_rows: rows }) => Number(rows))
  /** The first row of each row group. */
  const firsts = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, 0))
  const shapes = new Map(file.root.children.map((node) => [node.element.name, shapeOf(node)]))
  let used: readonly string[] = file.names
  /** The one used last stands last. */
  const kept = new Map<number, Promise<Group>>()

  const read = async (index: number): Promise<Group> => {
    const values = new Map<string, readonly unknown[]>()
    for (const node of file.root.children) {
      const { name } = node.element
      if (!used.includes(name) || values.has(name)) continue
      const column = await columnValues(file, index, node)
      values.set(
        name,
        column.map((value) => marked(shapes.get(name)!, value)),
      )
    }
    return values
  }
  const bytesOf = (index: number): number =>
    file.metadata.row_groups[index]!.columns.reduce((sum, { meta_data: meta }) => {
      const column = meta?.path_in_schema[0]
      return column !== undefined && used.includes(column) ? sum + Number(meta?.total_uncompressed_size) : sum
    }, 0)
  /** Forgets the groups that were used longest ago, until the others fit. */
  const letGo = () => {
    let total = [...kept.keys()].reduce((sum, index) => sum + bytesOf(index), 0)
    for (const index of [...kept.keys()].slice(0, -1)) {
      if (total <= KEPT_BYTES) return
      kept.delete(index)
      total -= bytesOf(index)
    }
  }
  const group = async (index: number): Promise<Group> => {
    const found = kept.get(index) ?? read(index)
    kept.delete(index)
    kept.set(index, found)
    letGo()
    try {
      return await found
    } catch (cause) {
      kept.delete(index)
      throw cause
    }
  }
  const recordOf = (values: Group, row: number): RowRecord =>
    Object.fromEntries([...values].map(([name, column]) => [name, column[row]]))

  async function* scan(): AsyncGenerator<ScannedRow> {
    for (const [index, size] of sizes.entries()) {
      if (size === 0) continue
      const found = await group(index)
      for (let row = 0; row < size; row++)
        yield { line: firsts[index]! + row + 1, record: recordOf(found, row) }
    }
  }
  return {
    name: source.name,
    noun: 'row',
    columns: file.names,
    only: (columns) => {
      used = columns
      kept.clear()
    },
    scan,
    read: async (row) => {
      const index = firsts.findLastIndex((first, i) => first <= row && sizes[i]! > 0)
      return recordOf(await group(index), row - firsts[index]!)
    },
    close: async () => {
      kept.clear()
      await source.close()
    },
  }
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
