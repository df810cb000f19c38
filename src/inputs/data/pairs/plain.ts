/** @file Pairs in our own columns, and in those of sentence-transformers: a row as a draft. */

import { suggestion } from '../../../foundation/numeric/suggestion.ts'
import { namesOf } from '../columns.ts'
import { listCell, numbersCell } from '../csv-records.ts'
import { isObject } from '../json-line.ts'
import { BrokenText, described, picturesIn, textIn, Unusable } from '../value.ts'
import type { DraftItem, DraftPair } from './draft.ts'
import type { NegativeColumns, UsedColumns } from './fields.ts'
import type { RowRecord } from './table.ts'

const EMPTY: DraftItem = { pictures: [] }

/**
 * The pair of a row.
 * @param used the columns that hold its parts
 * @throws Unusable for values of the wrong kind: names the column
 */
export function plainPair(record: RowRecord, { single, negatives }: UsedColumns): DraftPair {
  const side = (name: 'query' | 'target') =>
    joined(
      { text: single[name], image: single[`${name}Image`], instruction: single[`${name}Instruction`] },
      record,
    )
  const found = negatives.flatMap((columns) => negativesIn(columns, record))
  const scores = teacherIn(record, single, found.length)
  return {
    query: side('query'),
    target: side('target'),
    negatives: found,
    ...(scores && { teacher: scores }),
  }
}

/** The record of a table of text, with the lists that its cells hold as JSON. */
export function withLists(record: RowRecord, { single, negatives }: UsedColumns): RowRecord {
  const lists: Record<string, unknown> = {}
  const texts = [single.queryImage, single.targetImage]
  for (const { text, image } of negatives) texts.push(text, image)
  for (const column of texts) if (column !== undefined) lists[column] = listCell(cellOf(record, column))
  const { negativeScores: scores } = single
  if (scores !== undefined) lists[scores] = numbersCell(cellOf(record, scores))
  return { ...record, ...lists }
}

function cellOf(record: RowRecord, column: string): string | undefined {
  const value = record[column]
  return typeof value === 'string' ? value : undefined
}

/** One item of up to three columns. The first may hold a whole item already. */
function joined({ text, image, instruction }: NegativeColumns, record: RowRecord): DraftItem {
  const item = read(record, text, itemIn) ?? EMPTY
  const pictures = read(record, image, picturesIn) ?? []
  const said = read(record, instruction, textIn)
  if (pictures.length > 0 && item.pictures.length > 0)
    throw new Unusable(`${namesOf([text ?? '', image ?? ''])} both hold pictures`)
  if (said !== undefined && item.instruction !== undefined)
    throw new Unusable(`${namesOf([text ?? '', instruction ?? ''])} both hold an instruction`)
  return {
    ...item,
    ...(said !== undefined && { instruction: said }),
    pictures: [...item.pictures, ...pictures],
  }
}

/**
 * The negatives of a group of columns, which hold one each, or a list. Absent ones are left out.
 */
function negativesIn(columns: NegativeColumns, record: RowRecord): DraftItem[] {
  const texts = columns.text === undefined ? undefined : record[columns.text]
  const images = columns.image === undefined ? undefined : record[columns.image]
  const several = Array.isArray(texts) || (columns.text === undefined && /images$/i.test(columns.image ?? ''))
  if (!several || (columns.text === undefined && !Array.isArray(images)))
    return [joined(columns, record)].filter(isPresent)
  const list = Array.isArray(texts) ? texts : listIn(images)
  if (
    Array.isArray(texts) &&
    images !== undefined &&
    images !== null &&
    listIn(images).length !== list.length
  )
    throw new Unusable(
      `${columns.text} has ${list.length} texts, ${columns.image} has ${listIn(images).length} pictures`,
    )
  return list
    .map((_: unknown, i) =>
      joined(columns, {
        ...record,
        ...(columns.text !== undefined && { [columns.text]: listIn(texts)[i] }),
        ...(columns.image !== undefined && { [columns.image]: listIn(images)[i] }),
      }),
    )
    .filter(isPresent)
}

function isPresent({ text, pictures }: DraftItem): boolean {
  return pictures.length > 0 || (text !== undefined && text !== '')
}

function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

const KEYS = ['instruction', 'text', 'image', 'images']

/**
 * A text; an item as an object; a picture as `{ bytes, path }`, as Hugging Face datasets have it.
 */
function itemIn(value: unknown): DraftItem {
  if (value instanceof BrokenText || (!isObject(value) && !(value instanceof Uint8Array))) {
    const text = textIn(value)
    return { ...(text !== undefined && { text }), pictures: [] }
  }
  const keys = value instanceof Uint8Array ? ['bytes'] : Object.keys(value)
  if (
    value instanceof Uint8Array ||
    (keys.length > 0 && keys.every((key) => key === 'bytes' || key === 'path'))
  )
    return { pictures: picturesIn(value) }
  const unknown = keys.find((key) => !KEYS.includes(key))
  if (unknown !== undefined) {
    const meant = suggestion(unknown, KEYS)
    const help = meant === undefined ? 'it has instruction, text and image' : `did you mean ${meant}?`
    throw new Unusable(`an item has no key ${namesOf([unknown])}: ${help}`)
  }
  const { image, images } = value
  if (image != null && images != null) throw new Unusable('an item has either image or images')
  const words = (name: 'instruction' | 'text') => within(name, () => textIn(value[name]))
  const [instruction, text] = [words('instruction'), words('text')]
  return {
    ...(instruction !== undefined && { instruction }),
    ...(text !== undefined && { text }),
    pictures: within(image == null ? 'images' : 'image', () => picturesIn(image ?? images)),
  }
}

function teacherIn(
  record: RowRecord,
  { targetScore, negativeScores }: UsedColumns['single'],
  negatives: number,
): DraftPair['teacher'] {
  const target = read(record, targetScore, numberIn)
  const scores = read(record, negativeScores, (value) =>
    value === null || value === undefined ? undefined : [value].flat().map(numberIn),
  )
  if (target === undefined && scores === undefined) return undefined
  if (target === undefined) throw new Unusable('it has scores of negatives, but none of the target')
  const known = (scores ?? []).filter((score) => score !== undefined)
  if (known.length !== negatives)
    throw new Unusable(`it has ${known.length} scores for ${negatives} negatives`)
  return { target, negatives: known }
}

/** A number, or its digits. */
function numberIn(value: unknown): number | undefined {
  if (value === null || value === undefined || value === '') return undefined
  const number = typeof value === 'string' || typeof value === 'bigint' ? Number(value) : value
  if (typeof number === 'number' && Number.isFinite(number)) return number
  throw new Unusable(`expected a number, got ${described(value)}`)
}

/**
 * The value of a column where there is one; what is wrong with it begins with the column's name.
 */
function read<T>(
  record: RowRecord,
  column: string | undefined,
  convert: (value: unknown) => T,
): T | undefined {
  if (column === undefined) return undefined
  return within(column, () => convert(Object.hasOwn(record, column) ? record[column] : undefined))
}

function within<T>(name: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof Unusable) throw new Unusable(`${name}: ${error.message}`, { cause: error })
    throw error
  }
}
