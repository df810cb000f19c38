/** @file Several files of one form as one table: the shards of a dataset. */

import { ItemError } from '../errors.ts'
import type { RowTable, ScannedRow } from './table.ts'

/**
 * Joins tables, whose rows follow each other. Takes them over: `close` closes all.
 * @param name for messages about all of them
 * @throws ItemError `data/columns` where they do not have the same columns
 */
export function joinedTables(name: string, tables: readonly [RowTable, ...RowTable[]]): RowTable {
  const [first, ...others] = tables
  if (others.length === 0) return first
  const columns = JSON.stringify(first.columns?.toSorted())
  const odd = others.find((table) => JSON.stringify(table.columns?.toSorted()) !== columns)
  if (odd !== undefined)
    throw new ItemError('columns', {
      message: `${odd.name} has other columns than ${first.name}`,
      hint: 'Files of one source have the same columns: name one of them, or move the others away.',
    })
  /** The first row of each table, as far as they were scanned. */
  const firsts: number[] = []
  async function* scan(): AsyncGenerator<ScannedRow> {
    firsts.length = 0
    let rows = 0
    for (const table of tables) {
      firsts.push(rows)
      for await (const row of table.scan()) {
        rows += 1
        yield { table: table.name, ...row }
      }
    }
  }
  return {
    ...first,
    name,
    only: (used) => {
      for (const table of tables) table.only?.(used)
    },
    scan,
    read: async (index) => {
      const at = firsts.findLastIndex((start) => start <= index)
      return await tables[at]!.read(index - firsts[at]!)
    },
    close: async () => {
      for (const table of tables) await table.close()
    },
  }
}
