/** @file The format of a source of pairs, and its rows. */

import { readdir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { withFileSource } from '../../../foundation/files/byte-source.ts'
import { readFailure } from '../../../foundation/files/errors.ts'
import { ItemError } from '../errors.ts'
import { csvTable } from './csv-table.ts'
import { folderTable } from './folder-table.ts'
import { joinedTables } from './joined-table.ts'
import { jsonTable } from './json-table.ts'
import { splitFiles } from './mmeb.ts'
import { parquetTable } from './parquet-table.ts'
import type { DataSettings, PAIR_FORMATS } from './settings.ts'
import type { RowTable } from './table.ts'

/** `shards` is a folder of Parquet files, which are read as one. */
export type Format = (typeof PAIR_FORMATS)[number] | 'shards'

const ENDINGS: Readonly<Record<string, Format>> = {
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.json': 'jsonl',
  '.csv': 'csv',
  '.tsv': 'tsv',
  '.parquet': 'parquet',
}

/**
 * The format that the settings name, or the one that the path shows.
 * @throws ItemError `data/format`; FileError `file/missing`
 */
export async function formatOf({ path, format }: DataSettings): Promise<Format> {
  const found = await stat(path).catch((cause: unknown) => {
    throw readFailure(path, cause)
  })
  if (!found.isDirectory()) {
    const known = format ?? ENDINGS[extname(path).toLowerCase()]
    if (known !== undefined && known !== 'folder' && known !== 'mmeb') return known
    throw new ItemError('format', {
      message:
        known === undefined
          ? `${path}: the ending does not say how the pairs are written`
          : `${path} is a file, and the format ${known} is that of a folder`,
      hint: 'Name the format, jsonl, csv, tsv, parquet or swift; or let the file end with one of the first four.',
    })
  }
  const names = await readdir(path)
  const tables = names.filter((name) => name.endsWith('.parquet'))
  if (format === null) {
    if (tables.some((name) => /^(original|diverse_instruction)-/.test(name))) return 'mmeb'
    return tables.length > 0 ? 'shards' : 'folder'
  }
  if (format === 'folder' || format === 'mmeb') return format
  if (format === 'parquet' && tables.length > 0) return 'shards'
  throw new ItemError('format', {
    message: `${path} is a folder, and the format ${format} is that of a file`,
    hint: 'Name a file in it. A folder holds a sub-folder for each class, subsets of MMEB-train, or Parquet files.',
  })
}

/** Opens the rows of a source. The caller closes them. @throws ItemError, FileError */
export async function openTable(settings: DataSettings, format: Format): Promise<RowTable> {
  const { path, delimiter, quote, split } = settings
  const told = delimiter !== null ? 'delimiter' : quote !== '"' ? 'quote' : undefined
  if (told !== undefined && format !== 'csv' && format !== 'tsv')
    throw new ItemError('format', {
      message: `${path}: a ${told} for ${format}, which has no cells`,
      hint: `Leave the ${told} out.`,
    })
  switch (format) {
    case 'folder':
      return await folderTable(path)
    case 'mmeb':
      return await joined(path, await splitFiles(path, split))
    case 'shards': {
      const names = (await readdir(path)).filter((name) => name.endsWith('.parquet')).sort()
      return await joined(
        path,
        names.map((name) => join(path, name)),
      )
    }
    case 'parquet':
      return await withFileSource(path, parquetTable)
    case 'csv':
    case 'tsv':
      return await withFileSource(path, (file) =>
        csvTable(file, { name: path, delimiter: delimiter ?? (format === 'csv' ? ',' : '\t'), quote }),
      )
    case 'jsonl':
    case 'swift':
      return await withFileSource(path, jsonTable)
  }
}

async function joined(name: string, paths: readonly string[]): Promise<RowTable> {
  const tables: RowTable[] = []
  try {
    for (const path of paths) tables.push(await withFileSource(path, parquetTable))
    const [first, ...others] = tables
    if (first === undefined)
      throw new ItemError('no-pairs', { message: `${name} holds no table`, hint: 'Name a file.' })
    return joinedTables(name, [first, ...others])
  } catch (cause) {
    for (const table of tables) await table.close()
    throw cause
  }
}
