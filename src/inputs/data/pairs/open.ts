/** @file Opens pairs of any format. */

import { basename, dirname, extname } from 'node:path'
import { fileSource } from '../../../foundation/files/byte-source.ts'
import { checkPairColumns } from './fields.ts'
import { jsonTable } from './json-table.ts'
import { folderPictures } from './pictures.ts'
import { plainReader } from './reader.ts'
import { pairRows } from './rows.ts'
import type { DataSettings } from './settings.ts'
import type { PairSource } from './source.ts'

export interface OpenPairsOptions {
  /** Draws instructions; default 7. */
  readonly seed?: number
  /**
   * Whether the first row that is no pair ends the call. Else such rows are left out and listed.
   */
  readonly strict?: boolean
  /** Told of rows that were left out, of columns that are not used. */
  readonly warn?: (message: string) => void
  readonly signal?: AbortSignal
}

/**
 * Opens a source of pairs, and checks all its rows. Only their places stay in memory.
 * @throws ItemError `data/no-pairs`, `data/columns`, `data/table`, `data/format`; with `strict`
 *   `data/line` or `data/pair` for the first row that is none; FileError `file/missing`,
 *   `file/read`
 * @example const pairs = await openPairs(dataSettings.parse({ path: 'pairs.jsonl' }))
 */
export async function openPairs(
  settings: DataSettings,
  { seed = 7, strict, warn, signal }: OpenPairsOptions = {},
): Promise<PairSource> {
  const { path, limit, instruction, targetInstruction, columns, images } = settings
  checkPairColumns(columns)
  const table = jsonTable(await fileSource(path))
  const pictures = folderPictures(images ?? dirname(path))
  return await pairRows(table, plainReader(table, { columns, warn }), pictures, {
    name: settings.name ?? basename(path, extname(path)),
    instructions: { query: listOf(instruction), target: listOf(targetInstruction) },
    seed,
    ...(limit !== null && { limit }),
    strict,
    warn,
    signal,
  })
}

function listOf(value: string | readonly string[] | null): readonly string[] {
  return value === null ? [] : typeof value === 'string' ? [value] : value
}
