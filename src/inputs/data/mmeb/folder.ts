/** @file A folder in the layout of MMEB-eval or MMEB-V2: its datasets, each read when asked for. */

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { withFileSource } from '../../../foundation/files/byte-source.ts'
import { FileError, readFailure } from '../../../foundation/files/errors.ts'
import { BifocalError, UsageError } from '../../../foundation/numeric/errors.ts'
import { suggestion } from '../../../foundation/numeric/suggestion.ts'
import { namesOf } from '../columns.ts'
import { datasetPictures, type RemoteArchive } from '../picture-files.ts'
import { type DatasetOptions, type MmebDataset, mmebDataset } from './dataset.ts'
import { STRAY } from './placeholder.ts'
import { problemOf, tableKind } from './problem.ts'
import { type MmebRows, mmebRows } from './rows.ts'

export interface MmebOptions extends DatasetOptions {
  /** Folder or zip archive of the pictures; default: the usual places in the folder. */
  readonly images?: string
  /** Rows of each dataset at most. */
  readonly limit?: number
  /** Whether the first problem ends the call. */
  readonly strict?: boolean
}

/** A folder of datasets. */
export interface MmebFolder {
  readonly path: string
  /** Names of the datasets, sorted. */
  readonly names: readonly string[]
  /**
   * Reads a dataset: its rows, and the key of every picture. Pictures are decoded when their item
   * is read.
   * @throws UsageError `usage/option` for a dataset that is not there; with `strict` the error of
   *   the first problem
   */
  read(name: string, options?: MmebOptions): Promise<MmebDataset>
  close(): Promise<void>
}

/** Places of pictures in a folder, the first ones first. */
const PLACES = ['images', 'images.zip', 'image-tasks/MMEB', 'image-tasks', 'MMEB', '.']
const FILE = /^test-\d{5}-of-\d{5}\.parquet$/

/**
 * Opens a folder of datasets: `FOLDER/NAME/test-….parquet`.
 * @throws FileError `file/missing`, `file/read` for a folder without datasets
 * @example const { names, read } = await openMmeb('MMEB-eval'); const { task } = await read('CIRR')
 */
export async function openMmeb(path: string): Promise<MmebFolder> {
  const files = new Map<string, string[]>()
  for (const name of await namesIn(path)) {
    const own = (await readdir(join(path, name)).catch(() => [])).filter((file) => FILE.test(file))
    if (own.length > 0) files.set(name, own.sort())
  }
  if (files.size === 0)
    throw new FileError('missing', {
      message: `${path} holds no dataset of MMEB-eval: expected folders with test-00000-of-00001.parquet`,
      hint: 'Name the folder that holds ImageNet-1K, OK-VQA and the others, as TIGER-Lab/MMEB-eval has them.',
    })
  return mmebFolder(path, {
    files: new Map(
      [...files].map(([name, own]) => [name, async () => own.map((file) => join(path, name, file))]),
    ),
    pictures: PLACES.map((place) => join(path, place)),
  })
}

/** Where the parts of a folder of datasets lie. */
export interface MmebParts {
  /** Name of a dataset → the paths of its files on this machine. */
  readonly files: ReadonlyMap<string, () => Promise<readonly string[]>>
  /** Places of pictures, the first ones first. */
  readonly pictures: readonly (string | RemoteArchive)[]
}

/**
 * A folder of datasets whose parts are known: on this machine, or partly elsewhere.
 * @param path for messages
 */
export function mmebFolder(path: string, { files, pictures: places }: MmebParts): MmebFolder {
  const names = [...files.keys()].sort()
  const closing: (() => Promise<void>)[] = []
  const read = async (name: string, options: MmebOptions = {}): Promise<MmebDataset> => {
    const own = files.get(name)
    if (own === undefined) throw unknown(path, name, names)
    const { images, limit, strict, stray } = options
    if (stray !== undefined && !STRAY.includes(stray)) throw notStray(stray)
    const rows = await rowsOf(await own(), name, limit)
    const pictures = datasetPictures(path, images === undefined ? places : [images])
    try {
      const dataset = await mmebDataset(name, rows, pictures, options)
      const [first] = dataset.problems
      if (strict && first !== undefined) throw first.error
      return dataset
    } finally {
      // Pictures of an archive are read again later: it stays open until the folder is closed.
      closing.push(() => pictures.close())
    }
  }
  return {
    path,
    names,
    read,
    close: async () => {
      for (const close of closing.splice(0)) await close()
    },
  }
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).filter((name) => !name.startsWith('.'))
  } catch (cause) {
    throw readFailure(path, cause)
  }
}

function unknown(path: string, name: string, names: readonly string[]): UsageError {
  const meant = suggestion(name, names)
  return new UsageError('option', {
    message: `${path} has no dataset ${name}; its datasets are ${namesOf(names)}`,
    hint: meant === undefined ? 'Name one of these.' : `Did you mean "${meant}"?`,
  })
}

function notStray(given: string): UsageError {
  return new UsageError('option', {
    message: `stray: expected ${STRAY.join(', ')}, got ${JSON.stringify(given)}`,
    hint: 'Leave it out to drop a placeholder that has no picture.',
  })
}

/** The rows of all files of a dataset, numbered on. */
async function rowsOf(paths: readonly string[], name: string, limit = Infinity): Promise<MmebRows> {
  const all: { total: number; rows: MmebRows['rows'][number][]; problems: MmebRows['problems'][number][] } = {
    total: 0,
    rows: [],
    problems: [],
  }
  for (const path of paths) {
    const found = await fileRows(path, name, limit - all.total)
    if (found.total === undefined) return found
    for (const row of found.rows) all.rows.push({ ...row, row: row.row + all.total })
    for (const problem of found.problems)
      all.problems.push({ ...problem, row: problem.row === null ? null : problem.row + all.total })
    all.total += found.total
  }
  return all
}

async function fileRows(path: string, name: string, limit: number): Promise<MmebRows> {
  try {
    return await withFileSource(path, async (source) => {
      const rows = await mmebRows(source, name, limit)
      await source.close()
      return rows
    })
  } catch (cause) {
    if (!(cause instanceof BifocalError)) throw cause
    const problem = problemOf({ dataset: name, row: null }, cause, tableKind(cause))
    return { total: undefined, rows: [], problems: [problem] }
  }
}
