/**
 * @file Makes the explorer's data from runs: rows drawn evenly over tasks, their items, every
 * model's answers, and maps from the stored vectors. Deterministic; its time is bounded by numbers
 * of items, not by a clock.
 */

import { principalComponents } from '../../../foundation/numeric/principal.ts'
import { shuffle, stream } from '../../../foundation/numeric/random.ts'
import { stacked } from '../../../foundation/numeric/rows.ts'
import type { Tensor } from '../../../foundation/numeric/tensor.ts'
import { mapOf } from '../../analysis/map.ts'
import type { RowScores } from '../../benchmark/evaluate.ts'
import type { Shown } from '../../benchmark/run/files.ts'
import {
  type Explorer,
  type ExplorerItem,
  type ExplorerModel,
  type ExplorerRow,
  itemsOfRows,
  type Layout,
  scaledLayout,
} from '../explorer.ts'
import type { GatheredModel, GatheredTask } from './gather.ts'

export interface ExplorerLimits {
  /** Rows; default 12,000. They have at most twice as many items and one for each wrong answer. */
  rows?: number
  /** Items of a UMAP, which takes some seconds a thousand; default 1,000. */
  umapItems?: number
  /** Models with a UMAP; default 4. All have PCA. */
  umapModels?: number
  /** Bytes of all pictures as they stand in the page; default 5 MB. */
  pictureBytes?: number
}

/** @returns also for each row of the explorer the key of its query */
export async function explorerOf(
  models: readonly GatheredModel[],
  tasks: readonly GatheredTask[],
  seed: number,
  { rows: most = 12_000, umapItems = 1000, umapModels = 4, pictureBytes = 5_000_000 }: ExplorerLimits = {},
): Promise<Explorer> {
  const items = new Items(pictureBytes)
  const rows: ExplorerRow[] = []
  const answers = models.map(() => ({ hits: [] as (number | null)[], nearest: [] as (number | null)[] }))
  const sizes = tasks.map(({ signs }) => signs.queries)
  const quotas = evenQuotas(sizes, most)
  for (const [task, gatheredTask] of tasks.entries()) {
    const { rows: all, pictures } = await gatheredTask.rows()
    const scored = models.map(({ scores }) => {
      const found = scores.tasks.find((one) => one.task === gatheredTask.shown.name)
      return new Map<string, RowScores>(found?.rows.map((row) => [row.id, row]))
    })
    for (const row of drawn(all, quotas[task]!, stream(seed, 'explorer', gatheredTask.shown.name))) {
      const query = items.placeOf(row.key, row.query, pictures)
      const gold = items.placeOf(row.goldKey, row.gold, pictures)
      for (const { key, shown } of row.candidates) items.placeOf(key, shown, pictures)
      rows.push({ id: row.id, task, query, gold })
      for (const [m, { hits, nearest }] of answers.entries()) {
        const score = scored[m]!.get(row.id)
        hits.push(score === undefined ? null : rounded(score.hit1))
        nearest.push(score === undefined ? null : items.placeOf(score.predicted, {}, pictures))
      }
    }
  }
  const bare = models.map(({ shown }, m) => ({ id: shown.id, ...answers[m]!, layouts: [] as Layout[] }))
  const made: ExplorerModel[] = []
  for (const [m, { run, own }] of models.entries()) {
    const folder = await run.vectors(own)
    const vectors = await folder?.all(items.keys)
    const plane = (task: number | null, listed: readonly number[], method: Layout['method']) =>
      layoutOf(vectors, items.keys, { task, listed, method, seed })
    const layouts: (Layout | undefined)[] = []
    if (vectors !== undefined) {
      const whole = { rows, models: bare }
      const spread = itemsOfRows(whole, null)
      layouts.push(plane(null, spread, 'pca'))
      if (tasks.length > 1)
        for (const task of tasks.keys()) layouts.push(plane(task, itemsOfRows(whole, task), 'pca'))
      if (m < umapModels) layouts.push(plane(null, sampled(whole, umapItems, seed), 'umap'))
    }
    made.push({ ...bare[m]!, layouts: layouts.filter((layout) => layout !== undefined) })
  }
  return {
    pictures: items.pictures,
    items: items.shown,
    tasks: tasks.map(({ shown }) => shown.name),
    rows,
    measured: sizes.reduce((sum, size) => sum + size, 0),
    models: made,
  }
}

/** Items under their keys, each once, with as many pictures as fit. */
class Items {
  readonly keys: string[] = []
  readonly shown: ExplorerItem[] = []
  readonly pictures: string[] = []
  readonly #places = new Map<string, number>()
  readonly #pictures = new Map<string, number>()
  #left: number

  constructor(pictureBytes: number) {
    this.#left = pictureBytes
  }

  placeOf(key: string, { text, picture }: Shown, pictures: readonly string[]): number {
    const known = this.#places.get(key)
    if (known !== undefined) return known
    const place = this.#picture(picture === undefined ? undefined : pictures[picture])
    this.keys.push(key)
    this.shown.push({
      ...(text !== undefined && { text: shortened(text) }),
      ...(place !== undefined && { picture: place }),
    })
    this.#places.set(key, this.keys.length - 1)
    return this.keys.length - 1
  }

  #picture(source: string | undefined): number | undefined {
    if (source === undefined) return undefined
    const known = this.#pictures.get(source)
    if (known !== undefined) return known
    if (source.length > this.#left) return undefined
    this.#left -= source.length
    this.#pictures.set(source, this.pictures.length)
    return this.pictures.push(source) - 1
  }
}

/** Longest text of an item on the page. */
const LONGEST = 300

function shortened(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1)}…`
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4
}

/** How many rows of each task are shown: all while they fit, else the same number of each. */
function evenQuotas(sizes: readonly number[], most: number): number[] {
  let [left, tasks] = [most, sizes.length]
  const quotas = sizes.map(() => 0)
  for (const [i, size] of [...sizes.entries()].sort(([, a], [, b]) => a - b)) {
    quotas[i] = Math.min(size, Math.floor(left / tasks))
    left -= quotas[i]!
    tasks -= 1
  }
  return quotas
}

/** So many of the rows, drawn by chance, in their order. */
function drawn<T>(rows: readonly T[], count: number, random: () => number): T[] {
  if (rows.length <= count) return [...rows]
  const chosen = new Set(shuffle([...rows.keys()], random).slice(0, count))
  return rows.filter((_, i) => chosen.has(i))
}

/** Items of rows that are drawn by chance, until so many items are together. */
function sampled(whole: Pick<Explorer, 'rows' | 'models'>, most: number, seed: number): number[] {
  const all = itemsOfRows(whole, null)
  if (all.length <= most) return all
  const kept = new Set<number>()
  for (const row of shuffle([...whole.rows.keys()], stream(seed, 'umap'))) {
    const { query, gold } = whole.rows[row]!
    const together = [query, gold, ...whole.models.flatMap(({ nearest }) => nearest[row] ?? [])]
    if (kept.size + together.length > most) break
    for (const item of together) kept.add(item)
  }
  return [...kept].sort((a, b) => a - b)
}

interface Wanted {
  readonly task: number | null
  readonly listed: readonly number[]
  readonly method: Layout['method']
  readonly seed: number
}

/** Items without a stored vector are left out; undefined where fewer than two have one. */
function layoutOf(
  vectors: ReadonlyMap<string, readonly Float32Array[]> | undefined,
  keys: readonly string[],
  { task, listed, method, seed }: Wanted,
): Layout | undefined {
  const items = listed.filter((item) => vectors?.has(keys[item]!) === true)
  const rows = items.map((item) => vectors!.get(keys[item]!)![0]!)
  const dim = rows[0]?.length ?? 0
  if (rows.length < 2 || dim < 2) return undefined
  return { method, task, items, ...placed(stacked(rows), method, seed) }
}

function placed(
  matrix: Tensor<'f32'>,
  method: Layout['method'],
  seed: number,
): Pick<Layout, 'x' | 'y' | 'share'> {
  if (method === 'umap') return scaledLayout(mapOf(matrix, { seed }).data)
  const { coordinates, shares } = principalComponents(matrix, 2)
  return { ...scaledLayout(coordinates.data), share: rounded(shares.reduce((sum, share) => sum + share, 0)) }
}
