/**
 * @file Items that a flag names: a file, a folder, or what is piped in; there has to be one at
 * least.
 */

import { constants, existsSync, openSync, statSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { UsageError } from '../foundation/numeric/errors.ts'
import type { ItemColumns } from '../inputs/data/columns.ts'
import type { ItemSource, OpenOptions } from '../inputs/data/source.ts'
import { piecesOf } from './stdin.ts'

/**
 * Pipes, `-` for stdin and those of a path (`<(…)`), have lines of JSON, and pictures by paths from
 * the working directory.
 * @throws UsageError `usage/empty-input`; InterruptedError; what `openItems` throws
 */
export async function itemsIn(
  path: string,
  signal: AbortSignal,
  columns: ItemColumns = {},
  options: OpenOptions = {},
): Promise<ItemSource> {
  const { openItems, pipedItems } = await import('../inputs/data/source.ts')
  const name = path === '-' ? 'stdin' : path
  const pipe = path === '-' ? process.stdin : pipeAt(path)
  if (pipe !== undefined && (options.delimiter !== undefined || options.quote !== undefined)) {
    throw new UsageError('arguments', {
      message: `--delimiter or --quote for ${name}: a pipe holds lines of JSON`,
      hint: 'Write the table to a file whose name ends with .csv, and name that.',
    })
  }
  const source = await (pipe === undefined
    ? openItems(path, columns, options)
    : pipedItems(piecesOf(pipe, signal), { name, folder: '.', columns, warn: options.warn }))
  if (source.total !== 0) return source
  throw new UsageError('empty-input', {
    message: `${source.name} has no items`,
    hint: 'Write one JSON object a line, rows under the names of the columns, or put pictures into the folder.',
  })
}

/** Flags that say how a table is read: those of `embed --input`. */
export interface TableFlags {
  columns?: ItemColumns
  delimiter?: string
  quote?: string | null
}

/** A flag of tables without the flag that names the table. @throws UsageError `usage/arguments` */
export function requireTable(given: TableFlags, table: string | undefined, flag: string): void {
  for (const name of ['columns', 'delimiter', 'quote'] as const) {
    if (given[name] === undefined || table !== undefined) continue
    throw new UsageError('arguments', {
      message: `--${name} without ${flag}`,
      hint: `The flag says how a table or lines of JSON are read: name the file with ${flag}.`,
    })
  }
}

/**
 * Not as a file: those are opened and read by threads, and one that waits for a writer keeps the
 * process from ending. A socket waits in the event loop, also for a writer that is still to come.
 */
function pipeAt(path: string): Readable | undefined {
  if (!existsSync(path) || !statSync(path).isFIFO()) return undefined
  return new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), writable: false })
}
