/** @file Columns of a table of pairs, and keys of its JSON lines: which one holds which part. */

import { UsageError } from '../../../foundation/numeric/errors.ts'
import { namesOf } from '../columns.ts'
import { Unusable } from '../value.ts'

/** Names that a part goes by, the first one ours. */
const NAMES = {
  query: ['query', 'query_text', 'anchor', 'anchor_text'],
  queryImage: ['query_image', 'query_images', 'anchor_image', 'anchor_images'],
  queryInstruction: ['query_instruction', 'anchor_instruction', 'instruction'],
  target: ['target', 'target_text', 'positive', 'positive_text'],
  targetImage: ['target_image', 'target_images', 'positive_image', 'positive_images'],
  targetInstruction: ['target_instruction', 'positive_instruction'],
  targetScore: ['target_score', 'positive_score'],
  negativeScores: ['negative_scores'],
} as const satisfies Readonly<Record<string, readonly string[]>>

type SingleField = keyof typeof NAMES
const SINGLE = Object.keys(NAMES).filter((name): name is SingleField => name in NAMES)

/** Parts of a pair that a column may hold. */
export const PAIR_FIELDS = [...SINGLE, 'negatives', 'negativeImages'] as const
type PairField = (typeof PAIR_FIELDS)[number]

/**
 * The names of a source for the parts of a pair. Where one is named, only the named ones are used.
 * The negatives may stand in several columns.
 */
export type PairColumns = Partial<Record<PairField, string | readonly string[]>>

/** Columns of negatives that belong together. */
export interface NegativeColumns {
  readonly text?: string
  readonly image?: string
  readonly instruction?: string
}

/** The columns of one row, or of a whole table. */
export interface UsedColumns {
  readonly single: Readonly<Partial<Record<SingleField, string>>>
  readonly negatives: readonly NegativeColumns[]
  /** Columns that hold no part of a pair. */
  readonly unused: readonly string[]
}

/**
 * Checks the names that a caller gives.
 * @throws UsageError `usage/option` for several columns of a part that has one
 */
export function checkPairColumns(columns: PairColumns): void {
  for (const [name, value] of Object.entries(columns)) {
    if (typeof value === 'string' || name === 'negatives' || name === 'negativeImages') continue
    throw new UsageError('option', {
      message: `columns.${name}: expected the name of one column, got a list`,
      hint: 'Only negatives and negativeImages may stand in several columns.',
    })
  }
}

/** Whether the caller names any column. */
export function namesColumns(columns: PairColumns): boolean {
  return Object.values(columns).some((value) => value !== undefined)
}

/**
 * Finds the parts of a pair among the columns of a table.
 * @throws Unusable where two columns hold one part
 */
export function usedPairColumns(names: readonly string[], columns: PairColumns): UsedColumns {
  const used = namesColumns(columns) ? named(names, columns) : known([...new Set(names)])
  const repeated = names.find((name, i) => names.indexOf(name) !== i && !used.unused.includes(name))
  if (repeated !== undefined) throw new Unusable(`the column ${namesOf([repeated])} is there twice`)
  return used
}

function named(names: readonly string[], columns: PairColumns): UsedColumns {
  const has = (column: string) => names.includes(column)
  const single: Partial<Record<SingleField, string>> = {}
  for (const field of SINGLE) {
    const [column] = listOf(columns[field])
    if (column !== undefined && has(column)) single[field] = column
  }
  const images = listOf(columns.negativeImages)
  const texts = listOf(columns.negatives)
  const negatives = Array.from({ length: Math.max(texts.length, images.length) }, (_, i) => ({
    ...(texts[i] !== undefined && has(texts[i]) && { text: texts[i] }),
    ...(images[i] !== undefined && has(images[i]) && { image: images[i] }),
  })).filter(({ text, image }) => text !== undefined || image !== undefined)
  const used = new Set(Object.values(columns).flatMap(listOf))
  return { single, negatives, unused: names.filter((name) => !used.has(name)) }
}

/** `negatives`, `negative`, `negative_2`, `negative_2_image`, … */
const NEGATIVE = /^negatives?(?:_?(\d+))?(?:_(text|images?|instruction))?$/

function known(names: readonly string[]): UsedColumns {
  const unused = new Set(names)
  const single: Partial<Record<SingleField, string>> = {}
  for (const field of SINGLE) {
    const found = names.filter((name) => NAMES[field].some((one) => one === snake(name)))
    if (found.length > 1) throw twice(found, field)
    if (found[0] === undefined) continue
    single[field] = found[0]
    unused.delete(found[0])
  }
  const groups = new Map<number, { text?: string; image?: string; instruction?: string }>()
  for (const name of names) {
    const match = unused.has(name) ? NEGATIVE.exec(snake(name)) : null
    if (match === null) continue
    const [, number = '0', part = 'text'] = match
    const group = groups.get(Number(number)) ?? {}
    groups.set(Number(number), group)
    const kind = part === 'instruction' ? 'instruction' : part.startsWith('image') ? 'image' : 'text'
    const other = group[kind]
    if (other !== undefined) throw twice([other, name], 'negatives')
    group[kind] = name
    unused.delete(name)
  }
  const negatives = [...groups].sort(([a], [b]) => a - b).map(([, group]) => group)
  return { single, negatives, unused: [...unused] }
}

function twice(found: readonly string[], field: PairField): Unusable {
  return new Unusable(`${namesOf(found)} both hold ${field}: name the one to use in columns`)
}

/** `queryImage` as `query_image`. */
function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

export function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value
}
