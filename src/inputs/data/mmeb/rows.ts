/**
 * @file The rows of a dataset of MMEB-eval, in the layout of MMEB-V1 or MMEB-V2, as texts and paths
 * in MMEB-V1's form; and what is wrong with those that cannot be used.
 * @see specs/vlm2vec-mmeb.md §2.2, §2.5
 */

import type { SchemaTree } from 'hyparquet'
import type { ByteSource } from '../../../foundation/files/byte-source.ts'
import { BifocalError } from '../../../foundation/numeric/errors.ts'
import { namesOf } from '../columns.ts'
import { ItemError } from '../errors.ts'
import { columnValues, openParquetFile, type ParquetFile } from '../parquet-file.ts'
import { type Shape, shapeOf } from '../parquet-shape.ts'
import { candidateTexts, queryText } from './assemble.ts'
import { type Place, type Problem, problemOf, rowProblem, tableKind } from './problem.ts'
import { subsetOf } from './subsets.ts'

/** Text and picture of one side: an absent picture is an empty path. */
export interface Side {
  /** With its placeholder. */
  readonly text: string
  readonly path: string
  /** As the column has it, before MMEB-V2's parts were put together. */
  readonly written: string
}

export interface MmebRow {
  /** In the file, from 0. */
  readonly row: number
  readonly query: Side
  /** The first one is right. */
  readonly candidates: readonly Side[]
}

/** The rows of a file that can be used as far as the file itself says, and what is wrong. */
export interface MmebRows {
  /** Rows of the file; undefined where it cannot be read. */
  readonly total: number | undefined
  readonly rows: readonly MmebRow[]
  readonly problems: readonly Problem[]
}

const V1 = { qry_text: 'text', qry_img_path: 'text', tgt_text: 'texts', tgt_img_path: 'texts' } as const
const V2 = { ...V1, qry_inst: 'text', tgt_inst: 'text' } as const

type Column = keyof typeof V2

/**
 * Reads a file of rows. Whatever is wrong becomes a problem of the dataset, or of a row.
 * @param limit rows at most
 */
export async function mmebRows(source: ByteSource, dataset: string, limit = Infinity): Promise<MmebRows> {
  const whole: Place = { dataset, row: null }
  try {
    const file = await openParquetFile(source)
    const total = Number(file.metadata.num_rows)
    const found = columnsOf(file, dataset)
    if ('kind' in found) return { total, rows: [], problems: [found] }
    if (total === 0)
      return { total, rows: [], problems: [rowProblem(whole, 'no-rows', `${source.name} has no rows`)] }
    return { total, ...(await usable(file, found, dataset, limit)) }
  } catch (cause) {
    if (!(cause instanceof BifocalError)) throw cause
    return { total: undefined, rows: [], problems: [problemOf(whole, cause, tableKind(cause))] }
  }
}

/** The columns that are used, or what is wrong with them. */
function columnsOf(file: ParquetFile, dataset: string): Map<Column, SchemaTree> | Problem {
  const expected = file.names.includes('qry_inst') ? V2 : V1
  const columns = new Map<Column, SchemaTree>()
  for (const [name, form] of Object.entries(expected)) {
    if (!isColumn(name)) continue
    const place = { dataset, row: null, column: name }
    const bad = (kind: 'column-missing' | 'column-duplicate' | 'column-type', message: string) =>
      problemOf(place, new ItemError('columns', { message, hint: COLUMNS_HINT }), kind)
    const nodes = file.root.children.filter(({ element }) => element.name === name)
    const [node] = nodes
    if (node === undefined)
      return bad('column-missing', `it is absent; the columns are ${namesOf(file.names)}`)
    if (nodes.length > 1) return bad('column-duplicate', 'it is there more than once')
    const shape = shapeOf(node)
    if (form === 'text' ? !isText(shape) : !(shape.form === 'list' && isText(shape.of)))
      return bad('column-type', `it holds no ${form === 'text' ? 'text' : 'lists of texts'}`)
    columns.set(name, node)
  }
  return columns
}

const COLUMNS_HINT =
  'MMEB-eval has the columns qry_text, qry_img_path, tgt_text and tgt_img_path; MMEB-V2 also qry_inst and tgt_inst.'

function isColumn(name: string): name is Column {
  return name in V2
}

function isText(shape: Shape): boolean {
  return shape.form === 'leaf' && (shape.kind === 'text' || shape.kind === 'null')
}

async function usable(
  file: ParquetFile,
  columns: ReadonlyMap<Column, SchemaTree>,
  dataset: string,
  limit: number,
): Promise<Pick<MmebRows, 'rows' | 'problems'>> {
  const rows: MmebRow[] = []
  const problems: Problem[] = []
  let first = 0
  for (const [index, { num_rows: size }] of file.metadata.row_groups.entries()) {
    if (first >= limit) break
    const values = new Map<Column, readonly unknown[]>()
    for (const [name, node] of columns) values.set(name, await columnValues(file, index, node))
    for (let i = 0; i < Number(size) && first + i < limit; i++) {
      const read = new RowReading(dataset, first + i, (column) => values.get(column)?.[i])
      const row = read.row(columns.has('qry_inst'))
      problems.push(...read.problems)
      if (row !== undefined) rows.push(row)
    }
    first += Number(size)
  }
  return { rows, problems }
}

/** Reads one row; collects what is wrong with it. */
class RowReading {
  readonly problems: Problem[] = []
  readonly #dataset: string
  readonly #row: number
  readonly #value: (column: Column) => unknown

  constructor(dataset: string, row: number, value: (column: Column) => unknown) {
    this.#dataset = dataset
    this.#row = row
    this.#value = value
  }

  /** Undefined where anything is wrong. */
  row(hasInstructions: boolean): MmebRow | undefined {
    const query = this.#side(hasInstructions)
    const candidates = this.#candidates(hasInstructions)
    if (query === undefined || candidates === undefined || this.problems.length > 0) return undefined
    return { row: this.#row, query, candidates }
  }

  #side(hasInstructions: boolean): Side | undefined {
    const said = hasInstructions ? this.#text('qry_inst', { side: 'query' }) : ''
    const written = this.#text('qry_text', { side: 'query' })
    const path = this.#text('qry_img_path', { side: 'query' })
    if (said === undefined || written === undefined || path === undefined) return undefined
    const { parser } = subsetOf(this.#dataset)
    const text = hasInstructions ? queryText(this.#dataset, parser, said, written) : written
    if (text === '' && path === '')
      return this.#bad('query-absent', { side: 'query' }, 'the query has neither text nor picture')
    return { text, path, written }
  }

  #candidates(hasInstructions: boolean): Side[] | undefined {
    const said = hasInstructions ? this.#text('tgt_inst', { side: 'candidate' }) : ''
    const written = this.#texts('tgt_text')
    const paths = this.#texts('tgt_img_path')
    if (said === undefined || written === undefined || paths === undefined) return undefined
    if (written.length !== paths.length)
      return this.#bad(
        'lists-unequal',
        {},
        `tgt_text has ${written.length} texts, tgt_img_path ${paths.length} paths`,
      )
    if (written.length === 0) return this.#bad('candidates-empty', {}, 'it has no candidates')
    const { parser } = subsetOf(this.#dataset)
    const texts = hasInstructions ? candidateTexts(parser, said, written) : written
    const candidates = texts.map((text, i) => ({ text, path: paths[i]!, written: written[i]! }))
    if (candidates[0]!.text === '' && candidates[0]!.path === '')
      return this.#bad(
        'gold-absent',
        { side: 'candidate', candidate: 0 },
        'the right candidate has neither text nor picture',
      )
    return candidates
  }

  #text(column: Column, at: Partial<Place>): string | undefined {
    return this.#checked(this.#value(column), column, at)
  }

  #texts(column: Column): string[] | undefined {
    const values = this.#value(column)
    if (!Array.isArray(values)) return this.#bad('null', { column }, 'the list is null')
    const texts = values.map((value: unknown, candidate) =>
      this.#checked(value, column, { side: 'candidate', candidate }),
    )
    return texts.every((text) => text !== undefined) ? texts : undefined
  }

  #checked(value: unknown, column: Column, at: Partial<Place>): string | undefined {
    if (typeof value === 'string') return value
    if (value instanceof Uint8Array)
      return this.#bad('text-encoding', { ...at, column }, 'the text is no UTF-8')
    return this.#bad('null', { ...at, column }, 'the text is null')
  }

  #bad(kind: Problem['kind'], at: Partial<Place>, why: string): undefined {
    this.problems.push(rowProblem({ dataset: this.#dataset, row: this.#row, ...at }, kind, why))
    return undefined
  }
}
