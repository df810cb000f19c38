/** @file The rows of a task by the keys of their items, and back. */

import type { KeyedItem } from '../../../inputs/data/item.ts'
import type { Row, Task } from '../../../inputs/data/task.ts'
import { RUN_VERSION, type RunTask, sha256, type TaskRows } from './files.ts'
import type { OpenedTask } from './opening.ts'

/** The test rows of a task. Lists of candidates that are equal are held once. */
export function rowsOf({ name, test }: Task): TaskRows {
  // Two objects of one key are one picture under two paths: a list tells candidates by the object.
  const places = new Map<KeyedItem, number>()
  const placeOf = (item: KeyedItem) => {
    const found = places.get(item) ?? places.size
    places.set(item, found)
    return found
  }
  const lists: number[][] = []
  /** A common pool is mostly one array. */
  const known = new Map<readonly KeyedItem[], number>()
  const equal = new Map<string, number>()
  const listOf = (candidates: readonly KeyedItem[]) => {
    const seen = known.get(candidates)
    if (seen !== undefined) return seen
    const list = candidates.map(placeOf)
    const text = list.join()
    const found = equal.get(text) ?? lists.length
    if (found === lists.length) lists.push(list)
    equal.set(text, found)
    known.set(candidates, found)
    return found
  }
  const rows = test.map((row) => ({
    id: row.id,
    cluster: row.cluster,
    query: placeOf(row.query),
    list: listOf(row.candidates),
    positive: row.positive,
    ...(row.positives && { positives: [...row.positives] }),
    ...(row.grades && { grades: [...row.grades] }),
    ...(row.hardIndex !== undefined && { hard: row.hardIndex }),
  }))
  return {
    schemaVersion: RUN_VERSION,
    task: name,
    items: [...places.keys()].map(({ key }) => key),
    lists,
    rows,
  }
}

/** sha256 of the rows: of their names, items, right candidates and clusters. */
export function rowsHash(rows: TaskRows): string {
  return sha256(JSON.stringify(rows))
}

/** A task whose items are known by their keys alone: stored vectors of it can be scored. */
export function taskOfRows({ items, lists, rows }: TaskRows, signs: RunTask): Task {
  const keyed: KeyedItem[] = items.map((key) => ({ key }))
  const candidates = lists.map((list) => list.map((at) => keyed[at]!))
  const { name, metaTask, domain, shift, reason, chance } = signs
  const test = rows.map(
    ({ id, cluster, query, list, positive, positives, grades, hard }): Row => ({
      id,
      cluster,
      query: keyed[query]!,
      candidates: candidates[list]!,
      positive,
      ...(positives && { positives }),
      ...(grades && { grades }),
      ...(hard !== undefined && { hardIndex: hard }),
    }),
  )
  return { name, metaTask, domain, shift, reason, chance, train: [], dev: [], test }
}

/** The hash of a task's rows under the name that the task has in the run. */
export function hashOf({ name, open }: OpenedTask): string {
  return rowsHash(rowsOf({ ...open.task, name }))
}
