/** @file The lines of a list that have no vectors. */

import type { SkippedLine } from '../embed-file.ts'
import type { SkippedItem } from '../embedding.ts'
import type { PartRow } from './files.ts'

/** Bad lines, and lines with a bad item, in their order. */
export function skippedLines(
  rows: readonly PartRow[],
  failures: ReadonlyMap<string, Omit<SkippedItem, 'index'>>,
): SkippedLine[] {
  return rows.flatMap((row) => {
    const why = 'key' in row ? failures.get(row.key) : row.error
    const { line, id } = row
    return why === undefined ? [] : [{ line, ...(id !== undefined && { id }), ...why }]
  })
}
