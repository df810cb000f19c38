/** @file The texts and small pictures of a task's rows, for pages. */

import { BifocalError } from '../../../foundation/numeric/errors.ts'
import type { KeyedItem, Picture } from '../../../inputs/data/item.ts'
import type { Row, Task } from '../../../inputs/data/task.ts'
import { thumbnail } from '../../../inputs/data/thumbnails.ts'
import type { RowScores } from '../evaluate.ts'
import { RUN_VERSION, type Shown, type ShownTask, sha256 } from './files.ts'

/** Pixels of a side, at most. */
const SIDE = 96
/** Pictures of a task, at most: a page of many tasks has to be opened in a browser. */
const MOST = 400

/**
 * Names what a page shows of a task: the same address, the same content.
 * @param predicted for each row the positions that some model predicted, rising
 */
export function shownAddress(taskHash: string, predicted: readonly (readonly number[])[]): string {
  return sha256(JSON.stringify([RUN_VERSION, SIDE, MOST, taskHash, predicted]))
}

/** For each row the positions that some model predicted, rising; the right one left out. */
export function predictedOf(task: Task, scored: readonly (readonly RowScores[])[]): number[][] {
  return task.test.map(({ positive }, i) => {
    const found = new Set(scored.map((rows) => rows[i]!.best))
    found.delete(positive)
    return [...found].sort((a, b) => a - b)
  })
}

/** Pictures of rows that some model misses come first, because people look at those. */
export async function shownTask(
  task: Task,
  taskHash: string,
  predicted: readonly (readonly number[])[],
): Promise<ShownTask> {
  const pictures = new SmallPictures()
  const order = [...task.test.keys()].sort(
    (a, b) => Number(predicted[b]!.length > 0) - Number(predicted[a]!.length > 0) || a - b,
  )
  for (const at of order) {
    const { query, candidates, positive } = task.test[at]!
    for (const item of [query, candidates[positive]!, ...predicted[at]!.map((place) => candidates[place]!)])
      for (const picture of item.image?.slice(0, 1) ?? []) await pictures.add(picture)
  }
  const instruction = sharedInstruction(task.test)
  const shown = (item: KeyedItem): Shown => {
    const words = [item.instruction === instruction ? undefined : item.instruction, item.text]
    const text = words.filter((part) => part !== undefined).join('\n')
    const [first] = item.image ?? []
    const picture = first === undefined ? undefined : pictures.indexOf(first)
    return { ...(text !== '' && { text }), ...(picture !== undefined && { picture }) }
  }
  return {
    schemaVersion: RUN_VERSION,
    address: shownAddress(taskHash, predicted),
    task: task.name,
    taskHash,
    ...(instruction !== undefined && { instruction }),
    pictures: pictures.urls,
    picturesLeft: pictures.left,
    rows: task.test.map(({ id, query, candidates, positive }, i) => ({
      id,
      key: query.key,
      query: shown(query),
      goldKey: candidates[positive]!.key,
      gold: shown(candidates[positive]!),
      candidates: predicted[i]!.map((position) => ({
        position,
        key: candidates[position]!.key,
        shown: shown(candidates[position]!),
      })),
    })),
  }
}

/** The instruction of all queries, where they have one in common. */
function sharedInstruction(rows: readonly Row[]): string | undefined {
  const found = new Set(rows.map(({ query }) => query.instruction))
  const [only] = found
  return found.size === 1 ? only : undefined
}

/** Pictures by their keys, each made small once. */
class SmallPictures {
  readonly urls: string[] = []
  /** Pictures that are too many, or cannot be read any more. */
  left = 0
  readonly #places = new Map<string, number | undefined>()

  async add(picture: Picture): Promise<void> {
    if (this.#places.has(picture.key)) return
    const url = this.urls.length < MOST ? await small(picture) : undefined
    this.#places.set(picture.key, url === undefined ? undefined : this.urls.length)
    if (url === undefined) this.left += 1
    else this.urls.push(url)
  }

  indexOf({ key }: Picture): number | undefined {
    return this.#places.get(key)
  }
}

/** Undefined for a picture that cannot be read: its item was embedded by an earlier run. */
async function small(picture: Picture): Promise<string | undefined> {
  try {
    return await thumbnail(picture, SIDE)
  } catch (error) {
    if (!(error instanceof BifocalError)) throw error
    return undefined
  }
}
