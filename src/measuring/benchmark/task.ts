/** @file Parts of tasks, and the same tasks with their pictures shuffled. */

import { shuffle, stream } from '../../foundation/numeric/random.ts'
import { type KeyedItem, keyed } from '../../inputs/data/item.ts'
import type { Part, Row, Task } from '../../inputs/data/task.ts'

/** Every item of the rows: queries, then candidates. */
export function itemsOf(tasks: readonly Task[], part: Part): KeyedItem[] {
  return tasks.flatMap((task) => task[part].flatMap(({ query, candidates }) => [query, ...candidates]))
}

/**
 * Replaces the picture of each query by another query's, to measure how much text alone finds.
 * Where queries have no picture, each candidate is replaced by its neighbour in the list.
 */
export function withShuffledPictures(task: Task, seed: number): Task {
  const test = task.test.some(({ query }) => query.image !== undefined)
    ? shuffledQueries(task.test, seed)
    : task.test.map((row) => ({
        ...row,
        candidates: row.candidates.map((_, i, all) => all[(i + 1) % all.length]!),
      }))
  return { ...task, test }
}

/** Pictures go round one cycle through all rows, so no row keeps its own. */
function shuffledQueries(rows: readonly Row[], seed: number): Row[] {
  const cycle = shuffle(
    rows.map((_, i) => i),
    stream(seed, 'shuffled pictures'),
  )
  const next = new Map(cycle.map((row, i) => [row, cycle[(i + 1) % cycle.length]!]))
  return rows.map((row, i) => {
    const { instruction, text } = row.query
    return { ...row, query: keyed({ instruction, text, image: rows[next.get(i)!]!.query.image }) }
  })
}

/** Share of the commonest right answer; null for retrieval, where answers do not repeat. */
export function majorityOf({ metaTask, test }: Task): number | null {
  if (metaTask === 'retrieval' || test.length === 0) return null
  const counts = new Map<string, number>()
  for (const { candidates, positive } of test) {
    const { key } = candidates[positive]!
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return Math.max(...counts.values()) / test.length
}
