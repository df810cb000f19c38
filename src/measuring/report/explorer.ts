/**
 * @file The data of the explorer: queries, their right answers, the candidate that each model put
 * nearest, and where the vectors of a model lie on a plane. It is JSON; the page holds it.
 */

/** One embedded item as it is shown. */
export interface ExplorerItem {
  readonly text?: string
  /** Position in `Explorer.pictures`. */
  readonly picture?: number
}

/** A query and its right answer. `query` and `gold` are positions in `Explorer.items`. */
export interface ExplorerRow {
  /** Unique within the task. */
  readonly id: string
  /** Position in `Explorer.tasks`. */
  readonly task: number
  readonly query: number
  readonly gold: number
}

/** Items on a plane. Both axes have one scale; the longer one runs from 0 to `LAYOUT_SIDE`. */
export interface Layout {
  readonly method: 'pca' | 'umap'
  /** The task whose items were laid out; null for the items of all tasks. */
  readonly task: number | null
  /** Positions in `Explorer.items`. */
  readonly items: readonly number[]
  /** Whole numbers, one an item. */
  readonly x: readonly number[]
  readonly y: readonly number[]
  /** Share of the vectors' variance that the plane shows, in [0, 1]; PCA only. */
  readonly share?: number
}

/** One model's answers and maps. */
export interface ExplorerModel {
  readonly id: string
  /**
   * For each row the probability in [0, 1] that the right answer comes first (below 1 where it is
   * tied); null where the model was not asked.
   */
  readonly hits: readonly (number | null)[]
  /** For each row the item that came first; null where the model was not asked. */
  readonly nearest: readonly (number | null)[]
  readonly layouts: readonly Layout[]
}

export interface Explorer {
  /** Small pictures as data URLs. */
  readonly pictures: readonly string[]
  readonly items: readonly ExplorerItem[]
  readonly tasks: readonly string[]
  readonly rows: readonly ExplorerRow[]
  /** Rows that were measured; more than `rows` where only some are shown. */
  readonly measured: number
  readonly models: readonly ExplorerModel[]
}

/** Coordinates are whole numbers up to this one: finer than any screen at the largest zoom. */
export const LAYOUT_SIDE = 65_535

/** Whether a row counts as found: more likely than not, where candidates are tied. */
export function isHit(hit: number): boolean {
  return hit > 0.5
}

/**
 * Scales coordinates to whole numbers. Keeps the aspect: equal distances stay equal.
 * @param plane `[items, 2]`, row by row
 */
export function scaledLayout(plane: ArrayLike<number>): { x: number[]; y: number[] } {
  const [x, y]: [number[], number[]] = [[], []]
  for (let i = 0; i < plane.length; i += 2) {
    x.push(plane[i]!)
    y.push(plane[i + 1]!)
  }
  const low = [x, y].map((values) => values.reduce((least, value) => Math.min(least, value), Infinity))
  const spans = [x, y].map(
    (values, axis) => values.reduce((most, value) => Math.max(most, value), -Infinity) - low[axis]!,
  )
  const span = Math.max(...spans) || 1
  const scaled = (values: number[], axis: number) =>
    values.map((value) => Math.round(((value - low[axis]!) / span) * LAYOUT_SIDE))
  return { x: scaled(x, 0), y: scaled(y, 1) }
}

/** Positions of the items that the rows of a task (null: of all tasks) refer to, each once. */
export function itemsOfRows(
  { rows, models }: Pick<Explorer, 'rows' | 'models'>,
  task: number | null,
): number[] {
  const found = new Set<number>()
  for (const [index, row] of rows.entries()) {
    if (task !== null && row.task !== task) continue
    found.add(row.query).add(row.gold)
    for (const { nearest } of models) {
      const item = nearest[index]
      if (item !== null && item !== undefined) found.add(item)
    }
  }
  return [...found]
}
