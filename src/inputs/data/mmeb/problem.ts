/** @file Problems of a benchmark's dataset: where each one is, and of which kind. */

import { BifocalError, located } from '../../../foundation/numeric/errors.ts'
import { ItemError } from '../errors.ts'
import { ParquetProblem } from '../parquet-check.ts'

/** Kinds of problems, in the words of reports. */
export const PROBLEM_KINDS = [
  'parquet-damaged',
  'parquet-codec',
  'parquet-row-count',
  'parquet-lfs-pointer',
  'file',
  'no-rows',
  'column-missing',
  'column-duplicate',
  'column-type',
  'null',
  'text-encoding',
  'lists-unequal',
  'candidates-empty',
  'gold-absent',
  'query-absent',
  'placeholder-count',
  'archive-damaged',
  'archive-member-damaged',
  'path-outside',
  'picture-missing',
  'picture-too-large',
  'picture-empty',
  'picture-format',
  'picture-damaged',
  'no-tokens',
  'item',
] as const
export type ProblemKind = (typeof PROBLEM_KINDS)[number]

/** A place in a dataset. */
export interface Place {
  readonly dataset: string
  /** From 0; null for the whole dataset. */
  readonly row: number | null
  readonly side?: 'query' | 'candidate'
  /** Position in the list. */
  readonly candidate?: number
  readonly column?: string
  /** Of a picture. */
  readonly path?: string
}

/** A problem and its place. */
export interface Problem extends Place {
  readonly kind: ProblemKind
  /** Its message begins with the place. */
  readonly error: BifocalError
}

/** A failure as an embedder lists it; every BifocalError is one. */
export type Failure = Pick<BifocalError, 'code' | 'message' | 'hint'>

/** A failure at its place. */
export function problemOf(place: Place, failure: Failure, kind = kindOf(failure)): Problem {
  const error = failure instanceof BifocalError ? failure : new BifocalError(failure.code, failure, 3)
  return { ...place, kind, error: located(error, placeText(place)) }
}

/** A fault of a row itself. */
export function rowProblem(place: Place, kind: ProblemKind, why: string): Problem {
  const error = new ItemError('row', {
    message: `${placeText(place)}: ${why}`,
    hint: 'The row is left out: a shorter list of candidates would flatter the model.',
  })
  return { ...place, kind, error }
}

/** `CIRR, row 3, candidate 2, column tgt_text`, rows and candidates counted from 0. */
function placeText({ dataset, row, side, candidate, column }: Place): string {
  return [
    dataset,
    ...(row === null ? [] : [`row ${row}`]),
    ...(side === undefined ? [] : [candidate === undefined ? side : `${side} ${candidate}`]),
    ...(column === undefined ? [] : [`column ${column}`]),
  ].join(', ')
}

const BY_CODE: Readonly<Record<string, ProblemKind>> = {
  'file/missing': 'picture-missing',
  'file/archive': 'archive-damaged',
  'file/archive-member': 'archive-member-damaged',
  'data/path': 'path-outside',
  'media/too-large': 'picture-too-large',
  'media/empty': 'picture-empty',
  'media/format': 'picture-format',
  'media/variant': 'picture-format',
  'media/bit-depth': 'picture-format',
  'media/damaged': 'picture-damaged',
  'family/empty': 'no-tokens',
}

/** The kind of a failure of an item. */
function kindOf({ code }: Failure): ProblemKind {
  return BY_CODE[code] ?? 'item'
}

/** The kind of an error that a Parquet file met with. */
export function tableKind(error: BifocalError): ProblemKind {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof ParquetProblem && cause.kind !== undefined) return cause.kind
  return error.code === 'data/table' ? 'parquet-damaged' : 'file'
}
