/** @file From the rows of a table to pairs in our own columns: which columns, and their values. */

import { namesOf, oneCellHint } from '../columns.ts'
import { ItemError } from '../errors.ts'
import { Unusable } from '../value.ts'
import type { DraftPair } from './draft.ts'
import { listOf, type PairColumns, type UsedColumns, usedPairColumns } from './fields.ts'
import { plainPair, withLists } from './plain.ts'
import type { RowRecord, RowTable } from './table.ts'

/** Makes pairs of rows. */
export interface RowReader {
  /** @throws Unusable for a row whose values are no pair's */
  draft(record: RowRecord): DraftPair
  /** Called after all rows. @throws ItemError for what no row had */
  finish?(): void
}

export interface PlainOptions {
  readonly columns: PairColumns
  /** Told of columns that are not used, once each. */
  readonly warn?: (message: string) => void
}

/** Names kept for a message. */
const MOST_NAMES = 100

/**
 * Reads pairs in our own columns.
 * @throws ItemError `data/columns` for a table whose header has no query or no target
 */
export function plainReader(table: RowTable, { columns, warn }: PlainOptions): RowReader {
  const { name } = table
  /** By the names of a row: rows of JSON may differ, and few do. */
  const found = new Map<string, UsedColumns>()
  const seen = new Set<string>()
  const told = new Set<string>()
  const missing = new Set(Object.values(columns).flatMap(listOf))
  const note = (names: readonly string[], { unused }: UsedColumns) => {
    for (const one of names) {
      missing.delete(one)
      if (seen.size < MOST_NAMES) seen.add(one)
    }
    const fresh = unused.filter((one) => !told.has(one) && one !== '')
    for (const one of fresh) told.add(one)
    if (fresh.length > 0)
      warn?.(
        `${name}: the column${fresh.length > 1 ? 's' : ''} ${namesOf(fresh)} ${fresh.length > 1 ? 'are' : 'is'} not used`,
      )
  }
  const columnsOf = (names: readonly string[]): UsedColumns => {
    const key = JSON.stringify(names)
    const known = found.get(key)
    if (known !== undefined) return known
    const used = usedPairColumns(names, columns)
    if (found.size < MOST_NAMES) found.set(key, used)
    note(names, used)
    return used
  }
  const finish = () => {
    if (missing.size === 0 || seen.size === 0) return
    throw columnsError(
      `${name} has no column ${namesOf([...missing])}; its columns are ${namesOf([...seen])}`,
    )
  }
  const header = table.columns
  if (header !== undefined) {
    const used = inHeader(() => columnsOf(header), name)
    finish()
    if (!isWhole(used)) throw columnsError(`${name}: ${absent(used, header)}`, oneCellHint(header))
    table.only?.(header.filter((column) => !used.unused.includes(column)))
  }
  return {
    draft: (record) => {
      const names = table.columns ?? Object.keys(record)
      const used = columnsOf(names)
      if (!isWhole(used)) throw new Unusable(absent(used, names))
      return plainPair(table.cells ? withLists(record, used) : record, used)
    },
    finish,
  }
}

/** A fault of the columns is one of the whole table. */
function inHeader<T>(work: () => T, name: string): T {
  try {
    return work()
  } catch (cause) {
    throw cause instanceof Unusable ? columnsError(`${name}: ${cause.message}`) : cause
  }
}

/** Whether there is a column of the query and one of the target. */
function isWhole({ single: { query, queryImage, target, targetImage } }: UsedColumns): boolean {
  return (query ?? queryImage) !== undefined && (target ?? targetImage) !== undefined
}

function absent({ single }: UsedColumns, names: readonly string[]): string {
  const side = (single.query ?? single.queryImage) === undefined ? 'query' : 'target'
  return `no column holds the ${side}; its columns are ${namesOf(names)}`
}

function columnsError(message: string, hint?: string): ItemError {
  return new ItemError('columns', {
    message,
    hint: hint ?? 'Say which column holds which part, as in columns: { queryImage: image, target: caption }.',
  })
}
