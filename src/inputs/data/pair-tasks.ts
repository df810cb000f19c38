/** @file Pairs of any format as tasks: somebody's own data, to measure a model on. */

import { BifocalError, InterruptedError } from '../../foundation/numeric/errors.ts'
import { distinctOf, type KeyedItem } from './item.ts'
import type { PairSource } from './pairs/source.ts'
import { chanceOf, type MetaTask, type Pair, type Row, type Task } from './task.ts'

/**
 * `classification`: every target is a class, and all classes are candidates. `vqa`: a row's own
 * negatives are its candidates, or where rows have none, all targets. `retrieval`: all targets are
 * candidates, and in a second task all queries, for each target.
 */
export const PAIR_TASKS = ['classification', 'vqa', 'retrieval'] as const
export type PairTaskKind = (typeof PAIR_TASKS)[number]

export interface PairTaskOptions {
  readonly kind: PairTaskKind
  /** Whether the first row that cannot be read ends the call. */
  readonly strict?: boolean
  readonly signal?: AbortSignal
}

/** Tasks of a source, and the rows that could not be read. */
export interface PairTasks {
  readonly tasks: readonly Task[]
  /** Number of the row in the source, and its error. */
  readonly problems: readonly { readonly row: number; readonly error: BifocalError }[]
}

/**
 * Makes tasks of a source of pairs. Equal items are one candidate. A query with several targets has
 * several right candidates. Rows of one picture in the query are one cluster.
 * @throws with `strict` what `source.read` throws; InterruptedError
 */
export async function tasksOfPairs(source: PairSource, options: PairTaskOptions): Promise<PairTasks> {
  const { kind, strict = false, signal } = options
  const pairs: Pair[] = []
  const problems: PairTasks['problems'][number][] = []
  for (let row = 0; row < source.rows; row++) {
    if (signal?.aborted) throw new InterruptedError(`reading ${source.name}`, signal)
    try {
      pairs.push(await source.read(row, signal))
    } catch (error) {
      if (strict || !(error instanceof BifocalError) || error instanceof InterruptedError) throw error
      problems.push({ row, error })
    }
  }
  return { tasks: madeOf(source.name, pairs, kind), problems }
}

/** Names of the tasks that a source of this name becomes. */
export function taskNamesOf(name: string, kind: PairTaskKind): string[] {
  return kind === 'retrieval' ? [`${name} (query to target)`, `${name} (target to query)`] : [name]
}

function madeOf(name: string, pairs: readonly Pair[], kind: PairTaskKind): Task[] {
  const ownLists = kind === 'vqa' && pairs.length > 0 && pairs.every(({ negatives }) => negatives.length > 0)
  if (ownLists) return [taskOf(name, kind, listedRows(pairs))]
  const forward = pooled(pairs.map(({ query, target }) => ({ query, target })))
  if (kind !== 'retrieval') return [taskOf(name, kind, forward)]
  const back = pooled(pairs.map(({ query, target }) => ({ query: target, target: query })))
  const [there = name, again = name] = taskNamesOf(name, kind)
  return [taskOf(there, kind, forward), taskOf(again, kind, back)]
}

/** The target first, as in MMEB. Equal candidates are one object: the first place counts. */
function listedRows(pairs: readonly Pair[]): Row[] {
  const known = new Map<string, KeyedItem>()
  const one = (item: KeyedItem): KeyedItem => {
    const first = known.get(item.key) ?? item
    known.set(item.key, first)
    return first
  }
  return pairs.map(({ query, target, negatives }, row) => ({
    id: String(row),
    query,
    candidates: [target, ...negatives].map(one),
    positive: 0,
    cluster: clusterOf(query),
  }))
}

/** All targets are candidates of every query. */
function pooled(pairs: readonly { query: KeyedItem; target: KeyedItem }[]): Row[] {
  const pool = new Pool(pairs.map(({ target }) => target))
  const queries = new Map<string, { query: KeyedItem; right: Set<number> }>()
  for (const { query, target } of pairs) {
    const found = queries.get(query.key) ?? { query, right: new Set() }
    queries.set(query.key, found)
    found.right.add(pool.at(target))
  }
  return [...queries.values()].map(({ query, right }, row) => {
    const positives = [...right]
    return {
      id: String(row),
      query,
      candidates: pool.items,
      positive: positives[0]!,
      ...(positives.length > 1 && { positives }),
      cluster: clusterOf(query),
    }
  })
}

/** Different items in the order in which they first come: one list for all rows. */
class Pool {
  readonly items: readonly KeyedItem[]
  readonly #places: ReadonlyMap<string, number>

  constructor(items: readonly KeyedItem[]) {
    this.items = distinctOf(items)
    this.#places = new Map(this.items.map(({ key }, i) => [key, i]))
  }

  at({ key }: KeyedItem): number {
    return this.#places.get(key)!
  }
}

/** Rows that share the picture of their query are no independent ones. */
export function clusterOf({ key, image }: KeyedItem): string {
  return image === undefined ? key : image.map((picture) => picture.key).join(' ')
}

/** A task of somebody's own data: all rows are test rows. */
export function taskOf(name: string, metaTask: MetaTask, test: readonly Row[]): Task {
  return {
    name,
    metaTask,
    domain: 'out',
    shift: 'own',
    reason: 'your own data: whether a model has seen its like, only you know',
    chance: chanceOf(test),
    train: [],
    dev: [],
    test,
  }
}
