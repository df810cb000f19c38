/**
 * @file Flips: queries that one model finds and the other does not, counted and with their
 * pictures.
 */

import { type Explorer, isHit } from '../explorer.ts'
import { modelName, points } from '../format.ts'
import type { Results, ResultsModel } from '../results.ts'
import type { FlipCounts } from '../runs/form.ts'
import { colourOf } from './colour.ts'
import { h, more, scrolling, section } from './element.ts'
import { button, shownItem } from './explorer/detail.ts'
import { Pictures } from './explorer/pictures.ts'
import { sortable } from './sortable.ts'

/** Cards of a side before a click, and after it. */
const SHOWN = 4
const MOST = 24

/** @param showOnMap chooses a row in the maps */
export function flips(
  data: Explorer,
  counts: readonly FlipCounts[],
  models: ResultsModel[],
  showOnMap: ((row: number) => void) | undefined,
): HTMLElement | null {
  const [a, b] = data.models
  if (a === undefined || b === undefined || counts.length === 0) return null
  const pictures = new Pictures(data.pictures)
  const side = (right: Explorer['models'][number], wrong: Explorer['models'][number]) => {
    const rows = data.rows.flatMap((_, index) =>
      isHit(right.hits[index] ?? 0) && !isHit(wrong.hits[index] ?? 1) ? [index] : [],
    )
    // One of each task in turn, so that no task fills the list.
    const cards = inTurn(rows, (index) => data.rows[index]!.task)
      .slice(0, MOST)
      .map((index) => card(index, wrong))
    return h(
      'div',
      {},
      h(
        'h3',
        { style: `color: ${colourFor(models, right.id)}` },
        `${name(right.id)} right, ${name(wrong.id)} wrong`,
      ),
      cards.length === 0 ? h('p', {}, 'None among the queries that are shown.') : null,
      ...cards.slice(0, SHOWN),
      cards.length > SHOWN ? more(`${cards.length - SHOWN} more`, ...cards.slice(SHOWN)) : null,
    )
  }
  const name = (id: string) => modelName({ models }, id)
  const card = (index: number, wrong: Explorer['models'][number]) => {
    const row = data.rows[index]!
    const picked = wrong.nearest[index]
    return h(
      'article',
      { class: 'failure' },
      h(
        'div',
        { class: 'failure-head' },
        h('span', {}, data.tasks[row.task] ?? ''),
        showOnMap === undefined ? h('small', {}, row.id) : button('show on the map', () => showOnMap(index)),
      ),
      shownItem(data, pictures, row.query, 'query', 'Query'),
      h(
        'div',
        { class: 'answers' },
        shownItem(data, pictures, row.gold, 'expected', 'Right answer'),
        typeof picked === 'number'
          ? shownItem(data, pictures, picked, 'got', `${name(wrong.id)} put first`)
          : null,
      ),
    )
  }
  return section(
    'flips',
    'Queries that one model finds and the other does not',
    h(
      'p',
      {},
      'Two models with equal scores can still answer other queries. Each query counts once: found by both, ' +
        'by one of them, or by neither.',
    ),
    table(counts, name(a.id), name(b.id)),
    h('div', { class: 'columns' }, side(a, b), side(b, a)),
  )
}

function table(counts: readonly FlipCounts[], a: string, b: string): HTMLElement {
  const heads: [string, string?][] = [
    ['Task'],
    ['Queries'],
    ['Both'],
    [`Only ${a}`],
    [`Only ${b}`],
    ['Neither'],
    ['p', 'McNemar, exact'],
    ['p, adjusted', 'Holm, all tasks'],
    ['Detectable', 'points, power 80 %'],
  ]
  const cell = (value: number, text: string, strong = false) =>
    h('td', { 'data-value': String(value), ...(strong ? { class: 'strong' } : {}) }, text)
  const rows = counts.map(({ task, queries, both, onlyA, onlyB, neither, p, adjusted, detectable }) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row', 'data-value': task }, task),
      ...[queries, both, onlyA, onlyB, neither].map((count) => cell(count, count.toLocaleString('en'))),
      cell(p, pValue(p)),
      cell(adjusted, pValue(adjusted), adjusted < 0.05),
      detectable === null
        ? h('td', { class: 'absent' }, '–')
        : cell(detectable, points(detectable).replace('+', '')),
    ),
  )
  return h(
    'figure',
    {},
    scrolling(
      'Flips of every task',
      sortable(
        h(
          'table',
          {},
          h(
            'thead',
            {},
            h(
              'tr',
              {},
              ...heads.map(([head, note]) =>
                h('th', { scope: 'col' }, head, note === undefined ? null : h('small', {}, note)),
              ),
            ),
          ),
          h('tbody', {}, ...rows),
        ),
      ),
    ),
    h(
      'figcaption',
      {},
      'McNemar’s test asks whether "only" one side is larger than luck makes it; bold where the p-value, ' +
        'adjusted for the number of tasks, is below 0.05. Detectable: a true difference smaller than this is ' +
        'likely to be missed with so many queries.',
    ),
  )
}

/** @example pValue(0.0001) // '< 0.001' */
export function pValue(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toFixed(3)
}

function inTurn<T>(values: readonly T[], groupOf: (value: T) => number): T[] {
  const groups = new Map<number, T[]>()
  for (const value of values) {
    const group = groups.get(groupOf(value)) ?? []
    group.push(value)
    groups.set(groupOf(value), group)
  }
  const longest = Math.max(0, ...[...groups.values()].map((group) => group.length))
  return Array.from({ length: longest }, (_, turn) =>
    [...groups.values()].flatMap((group) => (turn < group.length ? [group[turn]!] : [])),
  ).flat()
}

function colourFor(models: Results['models'], id: string): string {
  const found = models.find((model) => model.id === id)
  return found === undefined ? 'inherit' : colourOf({ models }, found)
}
