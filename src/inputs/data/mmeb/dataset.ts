/** @file A dataset of MMEB-eval as a task, whose equal items are one object. */

import { BifocalError } from '../../../foundation/numeric/errors.ts'
import { ItemError } from '../errors.ts'
import { type KeyedItem, keyItem, type Picture } from '../item.ts'
import { clusterOf } from '../pair-tasks.ts'
import type { PictureFiles } from '../picture-files.ts'
import type { Row, Task } from '../task.ts'
import { Unusable } from '../value.ts'
import { PLACEHOLDER, type Stray, withoutPlaceholder } from './placeholder.ts'
import { type Failure, type Place, type Problem, problemOf, rowProblem } from './problem.ts'
import type { MmebRow, MmebRows, Side } from './rows.ts'
import { candidateName, type Subset, subsetOf } from './subsets.ts'

/** A dataset that was read. */
export interface MmebDataset {
  readonly name: string
  readonly subset: Subset
  /**
   * Its usable rows are the test rows; the right candidate is the first. Items of one text and one
   * path are one object: two objects of one key are a picture under two paths.
   */
  readonly task: Task
  /** Path of the picture of each item that has one. */
  readonly paths: ReadonlyMap<KeyedItem, string>
  /** Rows of the file; undefined where it cannot be read. */
  readonly total: number | undefined
  /** Why rows are not usable, in the order of the file. */
  readonly problems: readonly Problem[]
  /** Items that differ; candidates also by the names that MMEB-V2's code tells them by. */
  readonly unique: { readonly queries: number; readonly candidates: number; readonly named: number }
}

export interface DatasetOptions {
  readonly stray?: Stray
  /** Replaces a placeholder that is kept: the model's own token of a picture. */
  readonly imageToken?: string
}

/**
 * Makes items of rows, each different one once. A row with an item that cannot be made is left out.
 */
export async function mmebDataset(
  name: string,
  { total, rows, problems }: MmebRows,
  pictures: PictureFiles,
  options: DatasetOptions = {},
): Promise<MmebDataset> {
  const items = new Items(pictures, options)
  await items.readPictures(rows)
  const found: Problem[] = [...problems]
  const test: Row[] = []
  const kept: MmebRow[] = []
  for (const row of rows) {
    const made = await rowOf(items, name, row)
    if ('problems' in made) found.push(...made.problems)
    else {
      test.push(made.row)
      kept.push(row)
    }
  }
  const subset = subsetOf(name)
  return {
    name,
    subset,
    task: taskOf(name, subset, test),
    paths: items.paths(),
    total,
    problems: inOrder(found),
    unique: {
      queries: countOf(test.map(({ query }) => query)),
      candidates: countOf(test.flatMap(({ candidates }) => candidates)),
      named: new Set(
        kept.flatMap(({ candidates }) =>
          candidates.map(({ written, path }) => candidateName(subset.parser, written, path)),
        ),
      ).size,
    },
  }
}

/**
 * A dataset without the rows that use items which could not be embedded.
 * @param failures of items, by their keys
 */
export function withoutItems(dataset: MmebDataset, failures: ReadonlyMap<string, Failure>): MmebDataset {
  const problems: Problem[] = [...dataset.problems]
  const test = dataset.task.test.filter(({ id, query, candidates }) => {
    const row = { dataset: dataset.name, row: Number(id) }
    const own: Problem[] = []
    const check = (item: KeyedItem, at: Partial<Place>) => {
      const failure = failures.get(item.key)
      const path = dataset.paths.get(item)
      if (failure !== undefined) own.push(problemOf({ ...row, ...at, ...(path && { path }) }, failure))
    }
    check(query, { side: 'query' })
    for (const [candidate, item] of candidates.entries()) check(item, { side: 'candidate', candidate })
    problems.push(...own)
    return own.length === 0
  })
  if (test.length === dataset.task.test.length) return dataset
  return {
    ...dataset,
    task: taskOf(dataset.name, dataset.subset, test),
    problems: inOrder(problems),
    unique: {
      ...dataset.unique,
      queries: countOf(test.map(({ query }) => query)),
      candidates: countOf(test.flatMap(({ candidates }) => candidates)),
    },
  }
}

function taskOf(name: string, { metaTask, domain, averaged }: Subset, test: readonly Row[]): Task {
  const chance = test.reduce((sum, { candidates }) => sum + 1 / candidates.length, 0)
  return {
    name,
    metaTask,
    domain,
    shift: domain === 'in' ? 'in-domain' : 'out-of-domain',
    reason: averaged
      ? `MMEB-train ${domain === 'in' ? 'has' : 'has no'} rows of this dataset`
      : 'lies in MMEB-eval, and belongs to no published average',
    chance: test.length === 0 ? 0 : chance / test.length,
    train: [],
    dev: [],
    test,
  }
}

function countOf(items: readonly KeyedItem[]): number {
  return new Set(items).size
}

/** Problems of the whole dataset come first, and each of them once. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const whole = new Map<string, Problem>()
  for (const problem of problems)
    if (problem.row === null) whole.set(`${problem.kind} ${problem.column}`, problem)
  const ofRows = problems.filter(({ row }) => row !== null)
  return [...whole.values(), ...ofRows.toSorted((a, b) => Number(a.row) - Number(b.row))]
}

async function rowOf(
  items: Items,
  dataset: string,
  { row, query, candidates }: MmebRow,
): Promise<{ row: Row } | { problems: Problem[] }> {
  const problems: Problem[] = []
  const item = async (side: Side, at: Partial<Place>): Promise<KeyedItem | undefined> => {
    const made = await items.of(side)
    if (!(made instanceof Error)) return made
    const place = { dataset, row, ...at, ...(side.path !== '' && { path: side.path }) }
    problems.push(itemProblem(place, made))
    return undefined
  }
  const own = await item(query, { side: 'query' })
  const list: (KeyedItem | undefined)[] = []
  for (const [candidate, side] of candidates.entries())
    list.push(await item(side, { side: 'candidate', candidate }))
  const whole = list.filter((made) => made !== undefined)
  if (own === undefined || whole.length < list.length) return { problems }
  const cluster = clusterOf(own)
  return { row: { id: String(row), query: own, candidates: whole, positive: 0, cluster } }
}

function itemProblem(place: Place, failure: Error): Problem {
  if (failure instanceof Unusable) return rowProblem(place, 'placeholder-count', failure.message)
  const error =
    failure instanceof BifocalError
      ? failure
      : new ItemError('row', { message: failure.message, hint: 'Look at the row.', cause: failure })
  // An archive that cannot be read is told once.
  return problemOf(error.code === 'file/archive' ? { dataset: place.dataset, row: null } : place, error)
}

/** Pictures that are read at the same time. */
const AT_ONCE = 16

/** Items by text and path. A failure is one for every row that has the same. */
class Items {
  readonly #pictures: PictureFiles
  readonly #options: DatasetOptions
  readonly #opened = new Map<string, Picture | Error>()
  readonly #made = new Map<string, KeyedItem | Error>()
  readonly #paths = new Map<KeyedItem, string>()

  constructor(pictures: PictureFiles, options: DatasetOptions) {
    this.#pictures = pictures
    this.#options = options
  }

  /** Finds the keys of all pictures, a few at the same time. */
  async readPictures(rows: readonly MmebRow[]): Promise<void> {
    const paths = new Set<string>()
    for (const { query, candidates } of rows)
      for (const { path } of [query, ...candidates]) if (path !== '') paths.add(path)
    const list = [...paths]
    for (let at = 0; at < list.length; at += AT_ONCE)
      await Promise.all(
        list.slice(at, at + AT_ONCE).map(async (path) => {
          this.#opened.set(path, await this.#pictures.open(path).catch((cause: Error) => cause))
        }),
      )
  }

  async of(side: Side): Promise<KeyedItem | Error> {
    const key = JSON.stringify([side.text, side.path])
    const known = this.#made.get(key)
    if (known !== undefined) return known
    const made = await this.#item(side).catch((cause: Error) => cause)
    this.#made.set(key, made)
    if (!(made instanceof Error) && side.path !== '') this.#paths.set(made, side.path)
    return made
  }

  paths(): ReadonlyMap<KeyedItem, string> {
    return this.#paths
  }

  async #item({ text, path }: Side): Promise<KeyedItem> {
    const { stray, imageToken = PLACEHOLDER } = this.#options
    const picture = path === '' ? undefined : this.#opened.get(path)
    if (picture instanceof Error) throw picture
    const own = withoutPlaceholder(text, picture === undefined ? 0 : 1, stray)
    const item = { text: own.replaceAll(PLACEHOLDER, imageToken), ...(picture && { image: picture }) }
    // Blanks are a text like any other; an empty one beside a picture is none.
    return await keyItem(item, undefined, 'embed')
  }
}
