/** @file The score table: every task and mean, every model. */

import {
  candidatesWords,
  metaTaskNames,
  percent,
  percentRange,
  points,
  pointsRange,
  shiftName,
  shiftsOf,
} from '../format.ts'
import { differenceOf, excludesZero, headlinePair, meanOf, type Pair } from '../lookup.ts'
import type { Interval, Measured, ResultsModel, Scope } from '../results.ts'
import { figure } from './chart.ts'
import { colourOf } from './colour.ts'
import { h, scrolling } from './element.ts'
import { metaTaskRank } from './meta-task.ts'
import { sortable } from './sortable.ts'

/**
 * Rows: meta-tasks with their tasks, then the ladder, then all. Columns: the pair, its difference,
 * everyone else.
 */
export function scoreTable(results: Measured): HTMLElement {
  const pair = headlinePair(results)
  const scored = results.models.filter((model) => results.scores.some((score) => score.model === model.id))
  const first = pair === undefined ? [] : [pair.a, pair.b]
  const others = scored.filter((model) => !first.includes(model))
  const columns = [...first, ...others]
  const head = h(
    'tr',
    {},
    h('th', { scope: 'col' }, 'Task'),
    ...first.map((model) => columnHead(results, model)),
    pair === undefined
      ? null
      : h(
          'th',
          { scope: 'col', class: 'difference' },
          `${pair.a.label} − ${pair.b.label}`,
          h('small', {}, 'paired, points'),
        ),
    ...others.map((model) => columnHead(results, model)),
  )
  const row = (label: string, scope: Scope, kind: 'mean' | 'task', note?: string) => {
    const values = columns.map((model) => meanOf(results, model.id, scope))
    if (values.every((value) => value === undefined)) return null
    const cells = values.map((value) => scoreCell(value))
    const difference = pair === undefined ? null : differenceCell(results, pair, scope)
    return h(
      'tr',
      { class: kind },
      h('th', { scope: 'row', 'data-value': label }, label, note === undefined ? null : h('small', {}, note)),
      ...cells.slice(0, first.length),
      difference,
      ...cells.slice(first.length),
    )
  }
  const groups = [...new Set(results.tasks.map((task) => task.metaTask))].sort(
    (a, b) => metaTaskRank(a) - metaTaskRank(b),
  )
  const body = [
    ...groups.flatMap((metaTask) => [
      row(metaTaskNames[metaTask], { kind: 'metaTask', metaTask }, 'mean', 'mean'),
      ...results.tasks
        .filter((task) => task.metaTask === metaTask)
        .map((task) =>
          row(
            task.name,
            { kind: 'task', task: task.name },
            'task',
            `${shiftName(task.shift)}, ${candidatesWords(task)} candidates`,
          ),
        ),
    ]),
    ...shiftsOf(results).map((shift) =>
      row(`Shift: ${shiftName(shift)}`, { kind: 'shift', shift }, 'mean', 'mean'),
    ),
    ...averagesOf(results).map((average) =>
      row(average, { kind: 'average', average }, 'mean', 'mean, as published'),
    ),
    row('All tasks', { kind: 'all' }, 'mean', 'mean'),
  ]
  return figure(
    'Scores in full',
    'hit@1 in per cent, 95 % interval below it. ' +
      (pair === undefined
        ? ''
        : 'The difference is taken query by query, so its interval is narrower than the two alone; bold ' +
          'where it excludes zero. ') +
      'Press a head to sort the tasks of each group.' +
      (shiftsOf(results).length < 2
        ? ''
        : ' "Shift" says how far a test lies from the training: in-domain; then a new drawing of a known ' +
          'thing, a new style, a new thing, a new kind of question.'),
    scrolling(
      'Scores of every model on every task',
      sortable(h('table', { class: 'scores' }, h('thead', {}, head), h('tbody', {}, ...body))),
    ),
  )
}

/** Published averages, in the order of the results. */
function averagesOf({ means }: Measured): string[] {
  return [...new Set(means.flatMap(({ scope }) => (scope.kind === 'average' ? [scope.average] : [])))]
}

function columnHead(results: Measured, model: ResultsModel): HTMLElement {
  const swatch = h('i', { class: 'swatch', style: `--swatch: ${colourOf(results, model)}` })
  return h(
    'th',
    { scope: 'col' },
    swatch,
    model.label,
    stateWords(model) === '' ? null : h('small', {}, stateWords(model)),
  )
}

function stateWords({ state, role }: ResultsModel): string {
  if (state !== 'none') return state
  return role === 'checkpoint' ? '' : role === 'baseline' ? 'baseline' : 'control'
}

function scoreCell(value: Interval | undefined): HTMLElement {
  if (value === undefined) return h('td', { class: 'absent' }, '–')
  return h(
    'td',
    { 'data-value': String(value.value) },
    percent(value.value),
    value.high > value.low ? h('small', {}, percentRange(value)) : null,
  )
}

function differenceCell(results: Measured, pair: Pair, scope: Scope): HTMLElement {
  const value = differenceOf(results, pair, scope)
  if (value === undefined) return h('td', { class: 'difference absent' }, '–')
  const clear = excludesZero(value)
  const colour = clear ? colourOf(results, value.value > 0 ? pair.a : pair.b) : 'inherit'
  return h(
    'td',
    {
      class: clear ? 'difference clear' : 'difference',
      style: `--colour: ${colour}`,
      'data-value': String(value.value),
    },
    points(value.value),
    h('small', {}, pointsRange(value)),
  )
}
