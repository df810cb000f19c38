/** @file The score table for the terminal. */

import colors from 'picocolors'
import { percent, percentRange, points, pointsRange } from './format.ts'
import { differenceOf, excludesZero, headlinePair, meanOf, type Pair } from './lookup.ts'
import type { Results, ResultsModel, Scope } from './results.ts'

/** Text of a cell, aligned before it is coloured. */
interface Cell {
  text: string
  paint?: (text: string) => string
}

interface Row {
  label: Cell
  cells: Cell[]
}

const GAP = 2

/**
 * hit@1 in per cent: a row a meta-task (mean) with its tasks below, then the shifts and all tasks;
 * a column a model, the compared pair with its paired difference first. Intervals are shown while
 * they fit; columns that do not fit `width` are left out, from the right, and named.
 * @param options.width columns of the terminal (default 100)
 * @param options.color default: what the terminal can do
 */
export function scoreTable(results: Results, options: { width?: number; color?: boolean } = {}): string {
  const { width = 100, color = colors.isColorSupported } = options
  const paint = colors.createColors(color)
  const columns = columnsOf(results)
  const full = layout(results, columns, true, paint, width)
  const { lines, hidden } = full.hidden.length === 0 ? full : layout(results, columns, false, paint, width)
  const note = hidden.length === 0 ? [] : [paint.dim(`not shown for want of width: ${hidden.join(', ')}`)]
  return [...lines, ...note].join('\n')
}

type Paint = ReturnType<typeof colors.createColors>
type Column = { kind: 'model'; model: ResultsModel } | { kind: 'difference'; pair: Pair }

function columnsOf(results: Results): Column[] {
  const scored = results.models.filter((model) => results.scores.some((score) => score.model === model.id))
  const pair = headlinePair(results)
  const model = (one: ResultsModel): Column => ({ kind: 'model', model: one })
  if (pair === undefined) return scored.map(model)
  const rest = scored.filter((one) => one !== pair.a && one !== pair.b)
  return [model(pair.a), model(pair.b), { kind: 'difference', pair }, ...rest.map(model)]
}

function layout(results: Results, columns: Column[], ranges: boolean, paint: Paint, width: number) {
  const heads = columns.map(
    (column): Cell => ({ text: column.kind === 'model' ? column.model.id : 'difference', paint: paint.bold }),
  )
  const rows = scopesOf(results).map(({ label, scope, mean }): Row => {
    const strong = mean ? paint.bold : undefined
    return {
      label: { text: mean ? label : `  ${label}`, paint: strong },
      cells: columns.map((column) => cellOf(results, column, scope, ranges, paint, strong)),
    }
  })
  const filled = rows.filter((row) => row.cells.some((cell) => cell.text !== '–'))
  const labelWidth = Math.max(...filled.map((row) => row.label.text.length), 4)
  const widths = heads.map((head, index) =>
    Math.max(head.text.length, ...filled.map((row) => row.cells[index]!.text.length)),
  )
  let used = labelWidth
  let shown = 0
  while (shown < widths.length && (shown === 0 || used + GAP + widths[shown]! <= width))
    used += GAP + widths[shown++]!
  const line = (label: Cell, cells: Cell[]) =>
    [
      pad(label, labelWidth, 'end'),
      ...cells.slice(0, shown).map((cell, index) => pad(cell, widths[index]!, 'start')),
    ]
      .join(' '.repeat(GAP))
      .trimEnd()
  return {
    lines: [line({ text: 'hit@1, %' }, heads), ...filled.map((row) => line(row.label, row.cells))],
    hidden: heads.slice(shown).map((head) => head.text),
  }
}

function scopesOf(results: Results): { label: string; scope: Scope; mean: boolean }[] {
  const metaTasks = [...new Set(results.tasks.map((task) => task.metaTask))]
  const shifts = [...new Set(results.tasks.map((task) => task.shift))]
  return [
    ...metaTasks.flatMap((metaTask) => [
      { label: metaTask, scope: { kind: 'metaTask' as const, metaTask }, mean: true },
      ...results.tasks
        .filter((task) => task.metaTask === metaTask)
        .map((task) => ({
          label: task.name,
          scope: { kind: 'task' as const, task: task.name },
          mean: false,
        })),
    ]),
    ...shifts.map((shift) => ({
      label: `shift: ${shift}`,
      scope: { kind: 'shift' as const, shift },
      mean: true,
    })),
    { label: 'all tasks', scope: { kind: 'all' as const }, mean: true },
  ]
}

function cellOf(
  results: Results,
  column: Column,
  scope: Scope,
  ranges: boolean,
  paint: Paint,
  strong: Cell['paint'],
): Cell {
  const found =
    column.kind === 'difference'
      ? differenceOf(results, column.pair, scope)
      : meanOf(results, column.model.id, scope)
  if (found === undefined) return { text: '–', paint: paint.dim }
  if (column.kind === 'difference')
    return {
      text: `${points(found.value)} [${pointsRange(found)}]`,
      paint: excludesZero(found) ? strong : paint.dim,
    }
  const range = ranges && found.high > found.low ? ` [${percentRange(found)}]` : ''
  return { text: `${percent(found.value)}${range}`, paint: strong }
}

function pad({ text, paint = (plain) => plain }: Cell, width: number, side: 'start' | 'end'): string {
  const space = ' '.repeat(Math.max(0, width - text.length))
  return side === 'start' ? space + paint(text) : paint(text) + space
}
