/**
 * @file Pairs of MMEB-train: rows of Parquet files, their pictures in a folder or in zip archives.
 * @see specs/vlm2vec-mmeb.md §2.1
 */

import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { FileError, readFailure } from '../../../foundation/files/errors.ts'
import { namesOf } from '../columns.ts'
import { ItemError } from '../errors.ts'
import { withoutPlaceholder } from '../mmeb/placeholder.ts'
import { datasetPictures, type PictureFiles } from '../picture-files.ts'
import { textIn, Unusable } from '../value.ts'
import type { DraftItem, DraftPair } from './draft.ts'
import type { RowReader } from './reader.ts'
import type { RowRecord, RowTable } from './table.ts'

const REQUIRED = ['qry', 'qry_image_path', 'pos_text', 'pos_image_path']
const OPTIONAL = ['neg_text', 'neg_image_path']

/** Whether the columns of a table are those of MMEB-train. */
export function isMmebTrain(names: readonly string[]): boolean {
  return names.includes('qry') && names.includes('pos_text')
}

/**
 * Reads rows of MMEB-train. A side without text and picture makes a row that is no pair.
 * @throws ItemError `data/columns`
 */
export function mmebReader(table: RowTable): RowReader {
  const { name, columns = [] } = table
  const absent = REQUIRED.filter((column) => !columns.includes(column))
  const repeated = columns.find((column, i) => columns.indexOf(column) !== i)
  if (absent.length > 0 || repeated !== undefined)
    throw new ItemError('columns', {
      message:
        repeated === undefined
          ? `${name} has no column ${namesOf(absent)}; its columns are ${namesOf(columns)}`
          : `${name} has the column ${repeated} more than once`,
      hint: `MMEB-train has the columns ${namesOf(REQUIRED)}; some subsets also ${namesOf(OPTIONAL)}.`,
    })
  table.only?.([...REQUIRED, ...OPTIONAL])
  return {
    draft: (record): DraftPair => ({
      query: itemOf(record, ['qry', 'qry_image_path']),
      target: itemOf(record, ['pos_text', 'pos_image_path']),
      negatives: [itemOf(record, ['neg_text', 'neg_image_path'])].filter(
        ({ text, pictures }) => pictures.length > 0 || (text ?? '') !== '',
      ),
    }),
  }
}

/** An absent text or picture is empty. */
function itemOf(record: RowRecord, [textColumn, pathColumn]: readonly [string, string]): DraftItem {
  const [text, path] = [value(record, textColumn), value(record, pathColumn)]
  const pictures = path === '' ? [] : [path]
  try {
    return { text: withoutPlaceholder(text, pictures.length), pictures }
  } catch (cause) {
    throw cause instanceof Unusable ? new Unusable(`${textColumn}: ${cause.message}`, { cause }) : cause
  }
}

function value(record: RowRecord, column: string): string {
  try {
    return textIn(record[column]) ?? ''
  } catch (cause) {
    throw cause instanceof Unusable ? new Unusable(`${column}: ${cause.message}`, { cause }) : cause
  }
}

/** Pictures of a subset: beside it, unpacked, or in the archive of its name. */
export function mmebTrainPictures(subset: string, images: string | null): PictureFiles {
  const root = join(subset, '..')
  const archive = `${basename(subset)}.zip`
  const places = [root, join(root, 'images_zip', archive), join(root, archive), join(root, 'images.zip')]
  return datasetPictures(basename(root), images === null ? places : [images])
}

/**
 * The files of one split of a subset, in order.
 * @param split `original` or `diverse_instruction`; `train` is a copy of the first
 * @throws FileError `file/missing` for a folder without it
 */
export async function splitFiles(subset: string, split: string): Promise<string[]> {
  const names = await namesIn(subset)
  const files = names.filter((name) => name.startsWith(`${split}-`) && name.endsWith('.parquet'))
  if (files.length > 0) return files.map((name) => join(subset, name))
  const splits = [
    ...new Set(names.flatMap((name) => /^(.+?)-\d{5}-of-\d{5}\.parquet$/.exec(name)?.[1] ?? [])),
  ]
  throw new FileError('missing', {
    message: `${subset} has no file ${split}-….parquet; its splits are ${namesOf(splits)}`,
    hint: 'Name another split, or the folder of a subset.',
  })
}

/** Subsets of an MMEB-train folder: folders that hold Parquet files of splits. */
export async function subsetsOf(root: string): Promise<string[]> {
  const subsets: string[] = []
  for (const name of await namesIn(root)) {
    const files = await readdir(join(root, name)).catch(() => [])
    if (files.some((file) => /^.+-\d{5}-of-\d{5}\.parquet$/.test(file))) subsets.push(name)
  }
  return subsets
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith('.')).sort()
  } catch (cause) {
    throw readFailure(folder, cause)
  }
}
