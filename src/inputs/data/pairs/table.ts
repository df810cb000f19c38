/** @file Rows of a file that can be read in any order: what each format of pairs gives. */

import type { ItemError } from '../errors.ts'

/** The values of a row by the names of their columns. */
export type RowRecord = Readonly<Record<string, unknown>>

/** A row that was read in order, or why it could not be read. */
export type ScannedRow = {
  /** As people count: from 1, the header and blank lines too. */
  readonly line: number
  /** The file, where the table has several. */
  readonly table?: string
} & ({ readonly record: RowRecord } | { readonly error: ItemError })

/** A file of rows. */
export interface RowTable {
  /** For messages. */
  readonly name: string
  /**
   * The word for a row in messages: `line` of a text, `row` of a Parquet file, `picture` of a
   * folder.
   */
  readonly noun: 'line' | 'row' | 'picture'
  /** Names of the columns, where the file says them before its rows. */
  readonly columns?: readonly string[]
  /** Whether all values are texts: a list is a text of JSON then. */
  readonly cells?: boolean
  /** Tells the columns that are used: others need not be read. */
  only?(columns: readonly string[]): void
  /** Reads all rows in order. What is wrong with the whole file ends it. */
  scan(): AsyncIterable<ScannedRow>
  /**
   * Reads one row again.
   * @param index among those that `scan` gave, from 0
   */
  read(index: number): Promise<RowRecord>
  close(): Promise<void>
}
