/** @file Columns of a table and keys of JSON lines: which ones are used, and for which field. */

import { UsageError } from '../../foundation/numeric/errors.ts'
import { ItemError } from './errors.ts'

/** The fields of a record, in the order in which errors name them. */
export const FIELDS = ['id', 'instruction', 'text', 'image'] as const
export type Field = (typeof FIELDS)[number]

/**
 * The names that a source has for the fields of an item. If any name is given, only the named
 * fields are used. If none is given, each field goes by its own name.
 */
export interface ItemColumns {
  id?: string
  instruction?: string
  text?: string
  image?: string
}

/** A source's name in messages, the folder of its pictures, and its names of fields. */
export interface RecordPlace {
  name: string
  /** Paths of pictures are relative to it. */
  folder: string
  columns: ItemColumns
  /** Told, once each, the names of columns that are not used. */
  warn?: (message: string) => void
}

/**
 * Checks the names that a caller gives.
 * @throws UsageError `usage/option` for a field that items don't have
 */
export function checkFields(columns: ItemColumns): void {
  const unknown = Object.keys(columns).find((name) => !FIELDS.some((field) => field === name))
  if (unknown === undefined) return
  throw new UsageError('option', {
    message: `columns.${unknown}: an item has no such field; it has ${namesOf(FIELDS)}`,
    hint: 'Name columns by the field that they hold: { text: "caption", image: "path" }.',
  })
}

/** The fields that are used, with their columns. */
export function usedColumns(columns: ItemColumns): [field: Field, column: string][] {
  const named = FIELDS.some((field) => columns[field] !== undefined)
  return FIELDS.flatMap((field): [Field, string][] => {
    const column = columns[field] ?? (named ? undefined : field)
    return column === undefined ? [] : [[field, column]]
  })
}

/** How many names a message shows. */
const SHOWN = 20

/** Names for a message; those that would be hard to read stand in quotes. */
export function namesOf(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).map((name) => (/^[^\s"',;]+$/.test(name) ? name : JSON.stringify(name)))
  const more = names.length > SHOWN ? `, and ${names.length - SHOWN} more` : ''
  return names.length === 0 ? 'none' : shown.join(', ') + more
}

/**
 * Warns of names that are not used, each once.
 * @returns a function that takes the names of a record
 */
export function unusedNames({
  name,
  columns,
  warn,
}: RecordPlace): (names: readonly string[], noun: 'column' | 'key') => void {
  const known = new Set(['', ...usedColumns(columns).map(([, column]) => column)])
  return (names, noun) => {
    const unused = [...new Set(names)].filter((name) => !known.has(name))
    if (unused.length === 0) return
    for (const name of unused) known.add(name)
    const plural = unused.length > 1 ? 's' : ''
    warn?.(
      `${name}: the ${noun}${plural} ${namesOf(unused)} ${plural ? 'are' : 'is'} not used\n  hint: Name the ${noun}s to use with --columns, such as text=NAME,image=NAME; others are left out.`,
    )
  }
}

/**
 * A hint where a table has one column whose name looks like several: it was read with another
 * delimiter or other quotes than it was written with.
 */
export function oneCellHint(names: readonly string[]): string | undefined {
  const [only, ...others] = names
  if (only === undefined || others.length > 0 || !/[,;|\t]/.test(only)) return undefined
  return 'The first line is one cell. Take quotes around the whole line away; cells of a .csv file have commas between them, those of a .tsv file tabs.'
}

export const COLUMNS_HINT = 'Say which column is which field: --columns text=caption,image=path'

/**
 * Checks that a table has something to embed.
 * @param names of its columns
 * @throws ItemError `data/columns` for a named column that is not there, a used one that is there
 *   twice, or none of text, image and instruction
 */
export function checkColumns(names: readonly string[], { name, columns }: RecordPlace): void {
  const used = usedColumns(columns)
  const repeated = used.find(([, column]) => names.indexOf(column) !== names.lastIndexOf(column))
  if (repeated !== undefined) {
    throw new ItemError('columns', {
      message: `${name} has the column ${repeated[1]} more than once; its columns are ${namesOf(names)}`,
      hint: 'Give each column that is embedded a name of its own.',
    })
  }
  const absent = FIELDS.flatMap((field) => columns[field] ?? []).filter((column) => !names.includes(column))
  const usable = used.some(([field, column]) => field !== 'id' && names.includes(column))
  if (usable && absent.length === 0) return
  throw new ItemError('columns', {
    message: `${name} has ${absent.length > 0 ? `no column ${namesOf(absent)}` : noContent(columns)}; its columns are ${namesOf(names)}`,
    hint: oneCellHint(names) ?? COLUMNS_HINT,
  })
}

/** `no column text, image or instruction`, or that none was named. */
function noContent(columns: ItemColumns): string {
  const content = usedColumns(columns).filter(([field]) => field !== 'id')
  return content.length > 0
    ? 'no column text, image or instruction'
    : `columns for ${namesOf(usedColumns(columns).map(([field]) => field))} only, nothing to embed`
}
