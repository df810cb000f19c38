/** @file Sortable tables whose cells hold figures with intervals. */

import { measured, percent, percentRange, points, pointsRange } from '../../format.ts'
import { excludesZero } from '../../lookup.ts'
import type { Interval } from '../../results.ts'
import { h, scrolling } from '../element.ts'
import { sortable } from '../sortable.ts'

type Cell = HTMLElement | string

/** Heads of columns of words stand at their left, as the words do. */
function heads(names: readonly string[], rows: readonly (readonly Cell[])[]): HTMLElement {
  const hasWords = (column: number) =>
    rows.some((cells) => {
      const cell = cells[column]
      return typeof cell === 'string' || cell?.classList.contains('text') === true
    })
  const head = (name: string, column: number) =>
    h('th', { scope: 'col', ...(hasWords(column) ? { class: 'text' } : {}) }, name)
  return h('thead', {}, h('tr', {}, ...names.map(head)))
}

export function table(
  label: string,
  names: readonly string[],
  rows: readonly (readonly Cell[])[],
): HTMLElement {
  const body = rows.map(([first = '', ...cells]) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row', ...(typeof first === 'string' ? { 'data-value': first } : {}) }, first),
      ...cells.map((cell) => (typeof cell === 'string' ? h('td', { class: 'text' }, cell) : cell)),
    ),
  )
  return scrolling(label, sortable(h('table', {}, heads(names, rows), h('tbody', {}, ...body))))
}

/** A figure with its interval below; bold where it excludes zero and that means something. */
export function intervalCell(
  interval: Interval | null,
  [value, range]: [(value: number) => string, (interval: Interval) => string],
  bold = false,
): HTMLElement {
  if (interval === null) return h('td', { class: 'absent' }, '–')
  const strong = bold && excludesZero(interval)
  return h(
    'td',
    { 'data-value': String(interval.value), ...(strong ? { class: 'strong' } : {}) },
    value(interval.value),
    h('small', {}, range(interval)),
  )
}

export const plain = [
  measured,
  ({ low, high }: Interval) => `${measured(low)} to ${measured(high)}`,
] satisfies [(value: number) => string, (interval: Interval) => string]

export const inPercent = [percent, percentRange] satisfies typeof plain

export const inPoints = [points, pointsRange] satisfies typeof plain
