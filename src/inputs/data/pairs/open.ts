/** @file Opens pairs of any format. */

import { stat } from 'node:fs/promises'
import { basename, dirname, extname } from 'node:path'
import { readFailure } from '../../../foundation/files/errors.ts'
import { schemaProblems } from '../../../foundation/files/schema-problems.ts'
import { UsageError } from '../../../foundation/numeric/errors.ts'
import { datasetPictures, folderPictures, type PictureFiles } from '../picture-files.ts'
import { checkPairColumns, namesColumns } from './fields.ts'
import { type Format, formatOf, openTable } from './format.ts'
import { isMmebTrain, mmebReader, mmebTrainPictures, subsetsOf } from './mmeb.ts'
import { plainReader, type RowReader } from './reader.ts'
import { pairRows } from './rows.ts'
import { type DataSettings, dataSettings, type GivenPairs } from './settings.ts'
import type { PairSource } from './source.ts'
import { isSwift, swiftReader } from './swift.ts'
import type { RowTable } from './table.ts'

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
 * @throws UsageError `usage/option`; ItemError `data/no-pairs`, `data/columns`, `data/table`,
 *   `data/format`; with `strict` `data/line` or `data/pair` for the first row that is none;
 *   FileError `file/missing`, `file/read`
 * @example const pairs = await openPairs({ path: 'pairs.jsonl' })
 */
export async function openPairs(
  given: GivenPairs,
  { seed = 7, strict, warn, signal }: OpenPairsOptions = {},
): Promise<PairSource> {
  const settings = checked(given)
  checkPairColumns(settings.columns)
  const format = await formatOf(settings)
  const table = await openTable(settings, format)
  try {
    const reader = await readerFor(table, format, { ...settings, warn })
    const { limit, instruction, targetInstruction } = settings
    return await pairRows(table, reader, picturesFor(settings, format), {
      name: settings.name ?? nameOf(settings.path, format),
      instructions: { query: listOf(instruction), target: listOf(targetInstruction) },
      seed,
      ...(limit !== null && { limit }),
      strict,
      warn,
      signal,
    })
  } catch (cause) {
    await table.close()
    throw cause
  }
}

/**
 * Opens all sources of a run. An MMEB-train folder becomes a source for each of its subsets.
 * Sources without a name of their own that would have the same one are numbered.
 * @throws as `openPairs`; UsageError `usage/option` for one name twice
 */
export async function openAllPairs(
  list: readonly GivenPairs[],
  options: OpenPairsOptions = {},
): Promise<{ source: PairSource; weight: number }[]> {
  const opened: { source: PairSource; weight: number }[] = []
  try {
    for (const settings of named((await Promise.all(list.map(checked).map(subsetSettings))).flat()))
      opened.push({ source: await openPairs(settings, options), weight: settings.weight })
    return opened
  } catch (cause) {
    for (const { source } of opened) await source.close()
    throw cause
  }
}

/** @throws UsageError `usage/option` */
function checked(given: GivenPairs): DataSettings {
  const parsed = dataSettings.safeParse(given, { reportInput: true })
  if (parsed.success) return parsed.data
  throw new UsageError('option', {
    message: `the settings of a source of pairs: ${schemaProblems(parsed.error)}`,
    hint: 'A source has at least a path; docs/data.md shows the other keys.',
  })
}

/** The settings of each subset of an MMEB-train folder; of any other source its own. */
async function subsetSettings(settings: DataSettings): Promise<DataSettings[]> {
  const { path, format, subsets } = settings
  const found = await stat(path).catch((cause: unknown) => {
    throw readFailure(path, cause)
  })
  if (!found.isDirectory() || (format !== null && format !== 'mmeb')) return [settings]
  const all = await subsetsOf(path)
  if (all.length === 0) return [settings]
  const unknown = (subsets ?? []).find((name) => !all.includes(name))
  if (unknown !== undefined)
    throw new UsageError('option', {
      message: `${path} has no subset ${unknown}; its subsets are ${all.join(', ')}`,
      hint: 'Name the subsets as their folders are called.',
    })
  return (subsets ?? all).map((name) => ({
    ...settings,
    path: `${path}/${name}`,
    name: settings.name === null ? name : `${settings.name}/${name}`,
    format: 'mmeb',
    subsets: null,
  }))
}

/** @throws UsageError `usage/option` */
function named(list: readonly DataSettings[]): DataSettings[] {
  const taken = new Set(list.flatMap(({ name }) => name ?? []))
  const given = list.flatMap(({ name }) => name ?? [])
  const twice = given.find((name, i) => given.indexOf(name) !== i)
  if (twice !== undefined)
    throw new UsageError('option', {
      message: `two sources of pairs are called ${twice}`,
      hint: 'Give each source a name of its own.',
    })
  return list.map((settings) => {
    if (settings.name !== null) return settings
    const base = nameOf(settings.path, null)
    let name = base
    for (let number = 2; taken.has(name); number++) name = `${base} ${number}`
    taken.add(name)
    return { ...settings, name }
  })
}

function nameOf(path: string, format: Format | null): string {
  const name = basename(path)
  return format === 'folder' || format === 'mmeb' ? name : basename(path, extname(path)) || name
}

async function readerFor(
  table: RowTable,
  format: Format,
  { columns, warn }: Pick<DataSettings, 'columns'> & Pick<OpenPairsOptions, 'warn'>,
): Promise<RowReader> {
  const plain = namesColumns(columns)
  if (format === 'mmeb' || (!plain && isMmebTrain(table.columns ?? []))) return mmebReader(table)
  if (format === 'swift' || (format === 'jsonl' && !plain && isSwift(await firstNames(table))))
    return swiftReader(table.name, warn)
  return plainReader(table, { columns, warn })
}

/** The keys of the first row that can be read. */
async function firstNames(table: RowTable): Promise<readonly string[]> {
  for await (const row of table.scan()) if ('record' in row) return Object.keys(row.record)
  return []
}

function picturesFor({ path, images }: DataSettings, format: Format): PictureFiles {
  if (format === 'mmeb') return mmebTrainPictures(path, images)
  if (images?.toLowerCase().endsWith('.zip')) return datasetPictures(images, [images])
  return folderPictures(images ?? (format === 'folder' || format === 'shards' ? path : dirname(path)))
}

function listOf(value: string | readonly string[] | null): readonly string[] {
  return value === null ? [] : typeof value === 'string' ? [value] : value
}
