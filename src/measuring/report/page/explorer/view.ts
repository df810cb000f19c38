/** @file The view of a model for the reader's choices: marks, and the lines between them. */

import { type Explorer, type ExplorerModel, isHit, LAYOUT_SIDE, type Layout } from '../../explorer.ts'
import type { MarkKind } from './marks.ts'
import type { Line, Mark } from './scatter.ts'

/** Which lines are drawn for all rows; those of the chosen item are always drawn. */
export type Lines = 'chosen' | 'misses' | 'hits' | 'all'

/** The reader's choices, shared by both maps. */
export interface Choices {
  /** Position of a task; null: all tasks. */
  readonly task: number | null
  readonly method: Layout['method']
  readonly lines: Lines
  /** Chosen item, and the row that it was chosen in if it is a query. */
  readonly item: number | undefined
  readonly row: number | undefined
  /** Items that the search found; undefined: no search. */
  readonly found: ReadonlySet<number> | undefined
}

/** The layout for the choices: of the task alone where there is one, else of all tasks. */
export function layoutOf(
  model: ExplorerModel,
  { method, task }: Pick<Choices, 'method' | 'task'>,
): Layout | undefined {
  const fitting = model.layouts.filter((layout) => layout.method === method)
  return fitting.find((layout) => layout.task === task) ?? fitting.find((layout) => layout.task === null)
}

/** Rows of the task, by position. */
export function rowsOf({ rows }: Explorer, task: number | null): number[] {
  return rows.flatMap((row, index) => (task === null || row.task === task ? [index] : []))
}

/** A model's map for the choices. */
export interface ModelView {
  readonly layout: Layout
  readonly marks: readonly Mark[]
  /** Item → mark. */
  readonly markOf: ReadonlyMap<number, number>
  readonly lines: readonly Line[]
  /** Items of the rows of the task. */
  readonly inTask: ReadonlySet<number>
}

export function modelView(
  explorer: Explorer,
  model: ExplorerModel,
  choices: Pick<Choices, 'task' | 'method' | 'lines'>,
): ModelView | undefined {
  const layout = layoutOf(model, choices)
  if (layout === undefined) return undefined
  const rows = rowsOf(explorer, choices.task)
  const inTask = new Set<number>()
  const kinds = new Map<number, MarkKind>()
  for (const index of rows) {
    const { query, gold } = explorer.rows[index]!
    const [hit, nearest] = [model.hits[index], model.nearest[index]]
    inTask.add(query).add(gold)
    if (typeof nearest === 'number') inTask.add(nearest)
    const kind = typeof hit !== 'number' ? 'query' : isHit(hit) ? 'hit' : 'miss'
    // Of an item that is a query several times, one miss counts more than all hits.
    if (kinds.get(query) !== 'miss') kinds.set(query, kind)
  }
  const markOf = new Map(layout.items.map((item, mark) => [item, mark]))
  const offset = offsetsOf(layout)
  const marks = layout.items.map(
    (item, index): Mark => ({
      x: layout.x[index]! / LAYOUT_SIDE + offset.x,
      y: layout.y[index]! / LAYOUT_SIDE + offset.y,
      kind: kinds.get(item) ?? 'answer',
    }),
  )
  const wanted = (hit: boolean) =>
    choices.lines === 'all' || (choices.lines === 'hits' && hit) || (choices.lines === 'misses' && !hit)
  const lines = rows.flatMap((index) => {
    const hit = model.hits[index]
    return typeof hit === 'number' && wanted(isHit(hit)) ? linesOf(explorer, model, index, markOf) : []
  })
  return { layout, marks, markOf, lines, inTask }
}

/** The shorter axis stands in the middle. */
function offsetsOf({ x, y }: Layout): { x: number; y: number } {
  const free = (values: readonly number[]) =>
    (1 - values.reduce((most, value) => Math.max(most, value), 0) / LAYOUT_SIDE) / 2
  return { x: free(x), y: free(y) }
}

/** From the query of a row to its right answer, and to the wrong one that came first. */
export function linesOf(
  { rows }: Explorer,
  model: ExplorerModel,
  index: number,
  markOf: ReadonlyMap<number, number>,
): Line[] {
  const row = rows[index]!
  const [from, gold] = [markOf.get(row.query), markOf.get(row.gold)]
  if (from === undefined) return []
  const value = model.hits[index]
  const hit = typeof value !== 'number' || isHit(value)
  const nearest = model.nearest[index]
  const wrong = typeof nearest === 'number' && !hit ? markOf.get(nearest) : undefined
  return [
    ...(gold === undefined ? [] : [{ from, to: gold, kind: 'gold' as const, hit }]),
    ...(wrong === undefined ? [] : [{ from, to: wrong, kind: 'nearest' as const, hit }]),
  ]
}

/** Rows that an item is the right answer of, or the query of. */
export function rowsWith(
  { rows }: Explorer,
  item: number,
  side: 'query' | 'gold',
  task: number | null,
): number[] {
  return rows.flatMap((row, index) =>
    row[side] === item && (task === null || row.task === task) ? [index] : [],
  )
}

/** Items whose words, or whose row's name, hold all words that were typed. */
export function search({ items, rows }: Explorer, typed: string): Set<number> | undefined {
  const words = typed.toLocaleLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return undefined
  const holds = (text: string | undefined) => {
    const lower = text?.toLocaleLowerCase()
    return lower !== undefined && words.every((word) => lower.includes(word))
  }
  const found = new Set(items.flatMap(({ text }, index) => (holds(text) ? [index] : [])))
  for (const { id, query } of rows) if (holds(id)) found.add(query)
  return found
}
