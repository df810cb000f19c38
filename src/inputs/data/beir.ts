/**
 * @file Retrieval with graded relevance, in the layout of BEIR: queries, a corpus, and a table that
 * says which documents are relevant to which query, and how much. MMEB-V2's visual documents have
 * it too (ViDoRe, VisRAG).
 * @see Thakur et al. 2021; specs/vlm2vec-mmeb.md §2.5
 */

import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { withFileSource } from '../../foundation/files/byte-source.ts'
import { FileError, readFailure } from '../../foundation/files/errors.ts'
import { BifocalError, located } from '../../foundation/numeric/errors.ts'
import { namesOf } from './columns.ts'
import { ItemError } from './errors.ts'
import { type KeyedItem, keyItem, type Picture } from './item.ts'
import { clusterOf, taskOf } from './pair-tasks.ts'
import { csvTable } from './pairs/csv-table.ts'
import { joinedTables } from './pairs/joined-table.ts'
import { jsonTable } from './pairs/json-table.ts'
import { parquetTable } from './pairs/parquet-table.ts'
import type { RowRecord, RowTable } from './pairs/table.ts'
import { storedPicture } from './picture.ts'
import { folderPictures } from './picture-files.ts'
import type { Row, Task } from './task.ts'
import { picturesIn, textIn, Unusable } from './value.ts'

export interface BeirOptions {
  /** Of the relevance table: `qrels/SPLIT.tsv`; default `test`. */
  readonly split?: string
  /** For queries, and for documents, that bring none. */
  readonly instruction?: string
  readonly targetInstruction?: string
  /** Whether the first problem ends the call. */
  readonly strict?: boolean
}

/** A task, and what could not be used of its files. */
export interface BeirTask {
  readonly task: Task
  /** In the order of the files, each with its place. */
  readonly problems: readonly BifocalError[]
  /** Closes the files, whose pictures are read again when they are decoded. */
  close(): Promise<void>
}

/** Columns by their meaning, in the spellings of BEIR, MTEB, ViDoRe and VisRAG. */
const COLUMNS = {
  id: ['_id', 'id', 'query-id', 'query_id', 'corpus-id', 'corpus_id', 'doc-id'],
  title: ['title'],
  text: ['text', 'query', 'content'],
  image: ['image', 'images', 'image_path'],
  instruction: ['instruction', 'instruct'],
} as const

/**
 * Opens a folder with `queries`, `corpus` and `qrels`, each a file (`.jsonl`, `.csv`, `.tsv`,
 * `.parquet`) or a folder of Parquet files. The text of a document is its title, a space and its
 * text. Queries without a relevant document are not rows.
 * @param name of the task
 * @throws FileError `file/missing`; ItemError `data/table`, `data/columns`, `data/no-pairs` where
 *   no row is left; with `strict` the first problem
 */
export async function openBeir(folder: string, name: string, options: BeirOptions = {}): Promise<BeirTask> {
  const { split = 'test', strict = false } = options
  const tables: RowTable[] = []
  const problems: BifocalError[] = []
  const bad = (error: BifocalError) => {
    if (strict) throw error
    problems.push(error)
  }
  const open = async (what: string): Promise<RowTable> => {
    const table = await tableOf(folder, what, split)
    tables.push(table)
    return table
  }
  const close = async () => {
    for (const table of tables.splice(0)) await table.close()
  }
  try {
    const queries = await itemsOf(await open('queries'), folder, options.instruction, bad)
    const corpus = await itemsOf(await open('corpus'), folder, options.targetInstruction, bad)
    const relevant = await relevance(await open('qrels'), queries, corpus, bad)
    const test = rowsOf(queries, corpus, relevant)
    if (test.length > 0) return { task: taskOf(name, 'retrieval', test), problems, close }
    throw new ItemError('no-pairs', {
      message: [`${folder}: no query has a relevant document`, ...problems.slice(0, 1).map(wordsOf)].join(
        ': ',
      ),
      hint: 'The identifiers in qrels are those of queries and corpus.',
    })
  } catch (cause) {
    await close()
    throw cause
  }
}

const wordsOf = ({ message }: BifocalError) => message

type Items = ReadonlyMap<string, KeyedItem>

/** Items by their identifiers. */
async function itemsOf(
  table: RowTable,
  folder: string,
  instruction: string | undefined,
  bad: (error: BifocalError) => void,
): Promise<Items> {
  const items = new Map<string, KeyedItem>()
  const places = folderPictures(folder)
  let index = -1
  for await (const row of table.scan()) {
    index += 1
    const place = `${row.table ?? table.name}, ${table.noun} ${row.line}`
    if ('error' in row) {
      bad(row.error)
      continue
    }
    const at = index
    const pictureOf = async (picture: string | Uint8Array, i: number): Promise<Picture> => {
      if (typeof picture === 'string') return await places.open(picture)
      const again = async () => {
        const found = pictures(await table.read(at))[i]
        return found instanceof Uint8Array ? found : new Uint8Array(0)
      }
      return await storedPicture(`${place}, picture ${i + 1}`, again, picture)
    }
    try {
      const id = idIn(row.record)
      if (items.has(id)) throw new Unusable(`the identifier ${JSON.stringify(id)} is there twice`)
      const [title, text] = [textIn(cellOf(row.record, 'title')), textIn(cellOf(row.record, 'text'))]
      const image = await Promise.all(pictures(row.record).map(pictureOf))
      const own = textIn(cellOf(row.record, 'instruction'))
      const words = [title, text].filter((part) => part !== undefined && part !== '').join(' ')
      items.set(id, await keyItem({ instruction: own, text: words, image }, instruction))
    } catch (cause) {
      if (cause instanceof Unusable) bad(rowError(place, cause.message))
      else if (cause instanceof BifocalError) bad(located(cause, place))
      else throw cause
    }
  }
  return items
}

function pictures(record: RowRecord): (string | Uint8Array)[] {
  return picturesIn(cellOf(record, 'image'))
}

function cellOf(record: RowRecord, meaning: keyof typeof COLUMNS): unknown {
  const column = COLUMNS[meaning].find((name) => Object.hasOwn(record, name))
  return column === undefined ? undefined : record[column]
}

function idIn(record: RowRecord): string {
  const id = identifier(cellOf(record, 'id'))
  if (id !== undefined) return id
  throw new Unusable(`it has no identifier; its columns are ${namesOf(Object.keys(record))}`)
}

function identifier(value: unknown): string | undefined {
  if (typeof value === 'string' && value !== '') return value
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined
}

/** Query → document → how relevant. */
type Relevance = ReadonlyMap<string, ReadonlyMap<string, number>>

async function relevance(
  table: RowTable,
  queries: Items,
  corpus: Items,
  bad: (error: BifocalError) => void,
): Promise<Relevance> {
  const found = new Map<string, Map<string, number>>()
  for await (const row of table.scan()) {
    const place = `${row.table ?? table.name}, ${table.noun} ${row.line}`
    if ('error' in row) {
      bad(row.error)
      continue
    }
    const query = identifier(row.record['query-id'] ?? row.record.query_id)
    const document = identifier(row.record['corpus-id'] ?? row.record.corpus_id)
    const grade = Number(row.record.score ?? 1)
    if (query === undefined || document === undefined || !Number.isFinite(grade))
      bad(rowError(place, 'expected query-id, corpus-id and a score that is a number'))
    else if (!queries.has(query)) bad(rowError(place, `there is no query ${JSON.stringify(query)}`))
    else if (!corpus.has(document)) bad(rowError(place, `there is no document ${JSON.stringify(document)}`))
    else if (grade > 0) {
      const own = found.get(query) ?? new Map<string, number>()
      found.set(query, own.set(document, grade))
    }
  }
  return found
}

function rowsOf(queries: Items, corpus: Items, relevant: Relevance): Row[] {
  const candidates = [...corpus.values()]
  const places = new Map([...corpus.keys()].map((id, i) => [id, i]))
  return [...queries].flatMap(([id, query]): Row[] => {
    const own = [...(relevant.get(id) ?? [])]
    if (own.length === 0) return []
    const positives = own.map(([document]) => places.get(document)!)
    const grades = own.map(([, grade]) => grade)
    const positive = positives[grades.indexOf(Math.max(...grades))]!
    return [{ id, query, candidates, positive, positives, grades, cluster: clusterOf(query) }]
  })
}

function rowError(place: string, why: string): ItemError {
  return new ItemError('row', {
    message: `${place}: ${why}`,
    hint: 'queries and corpus have an _id, a text or an image; qrels have query-id, corpus-id and score.',
  })
}

/** The rows of one part: its file, or the Parquet files in its folder. */
async function tableOf(folder: string, what: string, split: string): Promise<RowTable> {
  const stems = what === 'qrels' ? [`qrels/${split}`, 'qrels'] : [what]
  for (const stem of stems)
    for (const ending of ['.jsonl', '.tsv', '.csv', '.parquet']) {
      const path = join(folder, `${stem}${ending}`)
      if (await exists(path)) return await tableAt(path)
    }
  const names = await readdir(join(folder, what)).catch((cause: unknown) => {
    throw absent(folder, what, cause)
  })
  const all = names.filter((name) => name.endsWith('.parquet')).sort()
  const ofSplit = all.filter((name) => name.startsWith(`${split}-`))
  const tables = await Promise.all(
    (ofSplit.length > 0 ? ofSplit : all).map((name) => tableAt(join(folder, what, name))),
  )
  const [first, ...others] = tables
  if (first === undefined) throw absent(folder, what)
  return joinedTables(join(folder, what), [first, ...others])
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
}

async function tableAt(path: string): Promise<RowTable> {
  if (path.endsWith('.parquet')) return await withFileSource(path, parquetTable)
  if (path.endsWith('.jsonl')) return await withFileSource(path, jsonTable)
  const delimiter = path.endsWith('.tsv') ? '\t' : ','
  // Tables of tabs as BEIR has them do not quote.
  const quote = delimiter === '\t' ? null : '"'
  return await withFileSource(path, (file) => csvTable(file, { name: path, delimiter, quote }))
}

function absent(folder: string, what: string, cause?: unknown): FileError {
  if (cause !== undefined && !/ENOENT|ENOTDIR/.test(String(cause)))
    return readFailure(join(folder, what), cause)
  return new FileError('missing', {
    message: `${folder} has no ${what}: expected ${what}.jsonl, .tsv, .csv, .parquet, or a folder ${what}`,
    hint: 'A folder in the layout of BEIR holds queries, corpus and qrels; a folder of these holds Parquet files.',
    cause,
  })
}
