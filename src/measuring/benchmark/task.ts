/**
 * @file Tasks with pictures that can be read, made from embedded tasks; and the same tasks with
 * their pictures shuffled.
 */

import { shuffle, stream } from '../../foundation/numeric/random.ts'
import type { EmbeddingItem, Picture } from '../../inputs/data/item.ts'
import { type Description, draw, PICTURE, pictureKey, type Sheets } from '../../inputs/scenes/index.ts'
import type { EmbeddedTask, Item, MetaTask, Row, Rung } from '../../inputs/scenes/tasks/task.ts'

export interface BenchmarkRow {
  readonly id: string
  readonly query: EmbeddingItem
  readonly candidates: readonly EmbeddingItem[]
  /** Position of the right candidate. */
  readonly positive: number
  readonly cluster: string
  /** Position of the candidate that the score "apart" compares with the right one. */
  readonly hardIndex?: number
}

export interface BenchmarkTask {
  readonly name: string
  readonly metaTask: MetaTask
  readonly rung: Rung
  readonly reason: string
  readonly chance: number
  readonly train: readonly BenchmarkRow[]
  readonly dev: readonly BenchmarkRow[]
  readonly test: readonly BenchmarkRow[]
}

/** Which rows are scored. */
export type Part = 'dev' | 'test'

/** Tasks whose pictures are drawn on demand. Equal items are one object. */
export function benchmarkTasks(tasks: readonly EmbeddedTask[], sheets: Sheets): BenchmarkTask[] {
  const known = new Map<string, EmbeddingItem>()
  const itemOf = ({ key, instruction, text, image }: Item): EmbeddingItem => {
    const found = known.get(key)
    if (found !== undefined) return found
    const item = { key, instruction, text, picture: image && drawn(image, sheets) }
    known.set(key, item)
    return item
  }
  const rowOf = ({ id, query, candidates, positive, cluster, hardIndex }: Row): BenchmarkRow => ({
    id,
    query: itemOf(query),
    candidates: candidates.map(itemOf),
    positive,
    cluster,
    hardIndex,
  })
  return tasks.map(({ name, metaTask, rung, reason, chance, train, dev, test }) => ({
    name,
    metaTask,
    rung,
    reason,
    chance,
    train: train.map(rowOf),
    dev: dev.map(rowOf),
    test: test.map(rowOf),
  }))
}

/** A description as a picture. */
export function drawn(description: Description, sheets: Sheets): Picture {
  return {
    key: pictureKey(description),
    read: () => ({ width: PICTURE, height: PICTURE, data: draw(description, sheets) }),
  }
}

/** Every item of the rows: queries, then candidates. */
export function itemsOf(tasks: readonly BenchmarkTask[], part: Part): EmbeddingItem[] {
  return tasks.flatMap((task) => task[part].flatMap(({ query, candidates }) => [query, ...candidates]))
}

/**
 * The task with each query's picture replaced by another query's: what text alone gives. Where
 * queries have no picture, each candidate gets the picture of its neighbour in the list instead.
 */
export function withShuffledPictures(task: BenchmarkTask, seed: number): BenchmarkTask {
  const test = task.test.some(({ query }) => query.picture !== undefined)
    ? shuffledQueries(task.test, seed)
    : task.test.map((row) => ({
        ...row,
        candidates: row.candidates.map((_, i, all) => all[(i + 1) % all.length]!),
      }))
  return { ...task, test }
}

/** Pictures go round one cycle through all rows, so no row keeps its own. */
function shuffledQueries(rows: readonly BenchmarkRow[], seed: number): BenchmarkRow[] {
  const cycle = shuffle(
    rows.map((_, i) => i),
    stream(seed, 'shuffled pictures'),
  )
  const next = new Map(cycle.map((row, i) => [row, cycle[(i + 1) % cycle.length]!]))
  return rows.map((row, i) => {
    const picture = rows[next.get(i)!]!.query.picture
    const { instruction, text } = row.query
    // The key that an embedded task gives such an item: where all queries share an instruction, the
    // vector is known already.
    const key = [picture?.key, instruction, text].filter((part) => part !== undefined).join(' ')
    return { ...row, query: { key, instruction, text, picture } }
  })
}

/** Share of the commonest right answer, or null where answers are no words that repeat. */
export function majorityOf({ metaTask, test }: BenchmarkTask): number | null {
  if (metaTask === 'retrieval' || test.length === 0) return null
  const counts = new Map<string, number>()
  for (const { candidates, positive } of test) {
    const { key } = candidates[positive]!
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return Math.max(...counts.values()) / test.length
}
