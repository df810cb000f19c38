/** @file The score table, the dot plot of every task, and the paired differences. */

import * as Plot from '@observablehq/plot'
import {
  metaTaskNames,
  modelName,
  percent,
  percentRange,
  points,
  pointsRange,
  rungName,
  rungsOf,
  scopeName,
} from '../format.ts'
import {
  differenceOf,
  differencesByPair,
  excludesZero,
  headlinePair,
  meanOf,
  type Pair,
  subjects,
} from '../lookup.ts'
import type { Interval, Results, ResultsModel, Scope } from '../results.ts'
import { canvas, figure, key, plot } from './chart.ts'
import { colourOf } from './colour.ts'
import { h, more, scrolling, section } from './element.ts'

export function scores(results: Results): HTMLElement {
  return section(
    'scores',
    'Scores',
    h(
      'p',
      {},
      'hit@1: the share of queries whose right answer is the nearest candidate. Intervals are 95 %, bootstrapped over clusters of queries.',
    ),
    taskPlot(results),
    scoreTable(results),
  )
}

/** One row of dots a task: the compared models with their intervals, the controls as grey marks. */
function taskPlot(results: Results): HTMLElement {
  const tuned = subjects(results, 'tuned')
  const shown = tuned.length > 0 ? tuned : subjects(results, 'untuned')
  const controls = [
    { role: 'random-decoder', label: 'random decoder, tuned alike', symbol: 'diamond' },
    { role: 'shuffled', label: 'pictures shuffled', symbol: 'times' },
  ] as const satisfies { role: ResultsModel['role']; label: string; symbol: 'diamond' | 'times' }[]
  const present = controls.filter(({ role }) => results.models.some((model) => model.role === role))
  const dots = shown.flatMap((model, index) =>
    results.scores
      .filter((score) => score.model === model.id)
      .map((score) => ({
        ...percentages(score.hit1),
        task: score.task,
        colour: colourOf(results, model),
        lane: index,
        model: model.label,
      })),
  )
  const marks = present.flatMap(({ role, symbol }) =>
    results.models
      .filter((model) => model.role === role)
      .flatMap((model) =>
        results.scores
          .filter((score) => score.model === model.id)
          .map((score) => ({ task: score.task, value: 100 * score.hit1.value, symbol })),
      ),
  )
  const lanes = shown.map((_, lane) => lane)
  const order = results.tasks.toSorted((a, b) => metaTaskRank(a.metaTask) - metaTaskRank(b.metaTask))
  const draw = (metaTask: string, width: number, last: boolean) => {
    const tasks = order.filter((task) => task.metaTask === metaTask)
    const names = tasks.map((task) => task.name)
    const here = <Row extends { task: string }>(rows: Row[]) => rows.filter((row) => names.includes(row.task))
    const row = 14 + 12 * Math.max(1, shown.length)
    return plot({
      width,
      height: names.length * row + (last ? 40 : 10),
      marginLeft: 146,
      marginRight: 16,
      marginTop: 4,
      marginBottom: last ? 36 : 6,
      x: {
        domain: [0, 100],
        label: last ? 'hit@1, %' : null,
        ticks: last ? 5 : [],
        labelAnchor: 'center',
        labelArrow: 'none',
      },
      y: { domain: names, label: null, tickSize: 0 },
      marks: [
        Plot.gridX([0, 20, 40, 60, 80, 100], { stroke: 'var(--rule)', strokeOpacity: 1 }),
        Plot.tickX(tasks, {
          x: (task) => 100 * Math.max(task.chance, task.majority ?? 0),
          y: 'name',
          stroke: 'var(--control)',
          insetTop: 5,
          insetBottom: 5,
        }),
        Plot.dot(here(marks), {
          x: 'value',
          y: 'task',
          symbol: 'symbol',
          stroke: 'var(--control)',
          r: 3.5,
          strokeWidth: 1.4,
        }),
        ...lanes.flatMap((lane) => {
          const rows = here(dots).filter((dot) => dot.lane === lane)
          const dy = 11 * (lane - (lanes.length - 1) / 2)
          return [
            Plot.ruleY(rows, {
              x1: 'low',
              x2: 'high',
              y: 'task',
              stroke: 'colour',
              strokeWidth: 2,
              strokeOpacity: 0.55,
              dy,
            }),
            Plot.dot(rows, { x: 'value', y: 'task', fill: 'colour', r: 4, dy }),
          ]
        }),
      ],
    })
  }
  const groups = [...new Set(order.map((task) => task.metaTask))]
  return figure(
    'Every task',
    'Dots are scores, bars their 95 % intervals. A model has learned something from the pictures where its bar lies right of every grey mark.',
    key([
      ...shown.map((model) => ({ label: modelName(results, model.id), colour: colourOf(results, model) })),
      ...present.map(({ label, symbol }) => ({
        label,
        colour: 'var(--control)',
        shape: symbol === 'times' ? ('cross' as const) : symbol,
      })),
      { label: 'best blind guess (chance or majority)', colour: 'var(--control)', shape: 'tick' },
    ]),
    ...groups.flatMap((metaTask, index) => [
      h('div', { class: 'panel-title' }, metaTaskNames[metaTask]),
      canvas(`hit@1 on ${metaTaskNames[metaTask]} tasks; the same numbers are in the table below`, (width) =>
        draw(metaTask, width, index === groups.length - 1),
      ),
    ]),
  )
}

function metaTaskRank(metaTask: keyof typeof metaTaskNames): number {
  return Object.keys(metaTaskNames).indexOf(metaTask)
}

function percentages({ value, low, high }: Interval): Interval {
  return { value: 100 * value, low: 100 * low, high: 100 * high }
}

/**
 * Rows: meta-tasks with their tasks, then the ladder, then all. Columns: the pair, its difference,
 * everyone else.
 */
function scoreTable(results: Results): HTMLElement {
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
      h('th', { scope: 'row' }, label, note === undefined ? null : h('small', {}, note)),
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
            `${rungName(task.rung)}, ${task.candidates} candidates`,
          ),
        ),
    ]),
    ...rungsOf(results).map((rung) => row(`Rung: ${rungName(rung)}`, { kind: 'rung', rung }, 'mean', 'mean')),
    row('All tasks', { kind: 'all' }, 'mean', 'mean'),
  ]
  return figure(
    'Scores in full',
    'hit@1 in per cent, 95 % interval below it; the untuned models and the controls follow to the right. The difference is taken query by query, so its interval is narrower than the two alone; bold where it excludes zero.',
    scrolling(
      'Scores of every model on every task',
      h('table', { class: 'scores' }, h('thead', {}, head), h('tbody', {}, ...body)),
    ),
  )
}

function columnHead(results: Results, model: ResultsModel): HTMLElement {
  const swatch = h('i', { class: 'swatch', style: `--swatch: ${colourOf(results, model)}` })
  return h(
    'th',
    { scope: 'col' },
    swatch,
    model.label,
    h('small', {}, model.state === 'none' ? 'control' : model.state),
  )
}

function scoreCell(value: Interval | undefined): HTMLElement {
  if (value === undefined) return h('td', { class: 'absent' }, '–')
  return h(
    'td',
    {},
    percent(value.value),
    value.high > value.low ? h('small', {}, percentRange(value)) : null,
  )
}

function differenceCell(results: Results, pair: Pair, scope: Scope): HTMLElement {
  const value = differenceOf(results, pair, scope)
  if (value === undefined) return h('td', { class: 'difference absent' }, '–')
  const clear = excludesZero(value)
  const colour = clear ? colourOf(results, value.value > 0 ? pair.a : pair.b) : 'inherit'
  return h(
    'td',
    { class: clear ? 'difference clear' : 'difference', style: `--colour: ${colour}` },
    points(value.value),
    h('small', {}, pointsRange(value)),
  )
}

export function differences(results: Results): HTMLElement | null {
  const pairs = differencesByPair(results)
  if (pairs.length === 0) return null
  const headline = headlinePair(results)
  const isHeadline = ({ a, b }: { a: string; b: string }) => a === headline?.a.id && b === headline.b.id
  const draw = ({ a, b, rows }: (typeof pairs)[number], small: boolean) =>
    figure(
      `${modelName(results, a)} − ${modelName(results, b)}`,
      small
        ? `Right of zero, ${modelName(results, a)}, scores higher.`
        : `Each bar is the 95 % interval of a paired difference; thick bars are means. Right of zero the first scores higher, left of it the second; bars that cross zero are grey: they decide nothing.`,
      canvas(`Paired differences ${modelName(results, a)} minus ${modelName(results, b)}`, (width) =>
        differencePlot(results, a, b, rows, width),
      ),
    )
  const [main, rest] = [pairs.filter(isHeadline), pairs.filter((pair) => !isHeadline(pair))]
  const grid = h(
    'div',
    { class: 'grid wide' },
    ...rest.map((pair) =>
      draw({ ...pair, rows: pair.rows.filter((one) => one.scope.kind !== 'task') }, true),
    ),
  )
  return section(
    'differences',
    'Paired differences',
    ...main.map((pair) => draw(pair, false)),
    rest.length === 0 ? null : h('h3', {}, 'Against the untuned models and the controls'),
    rest.length === 0 ? null : grid,
    rest.length === 0 ? null : more('These differences as numbers', differenceTable(results)),
  )
}

const kindRank = { all: 0, 'in-domain': 1, metaTask: 2, rung: 3, task: 4 } as const satisfies Record<
  Scope['kind'],
  number
>

function differencePlot(
  results: Results,
  a: string,
  b: string,
  rows: Results['differences'],
  width: number,
): Element {
  const colour = (interval: Interval) => {
    const model = results.models.find((one) => one.id === (interval.value > 0 ? a : b))
    return excludesZero(interval) && model !== undefined ? colourOf(results, model) : 'var(--control)'
  }
  // Where the in-domain mean is given, the rung of the same name says it twice.
  const repeated = rows.some(({ scope }) => scope.kind === 'in-domain')
  const once = rows.filter(({ scope }) => !(repeated && scope.kind === 'rung' && scope.rung === 'in'))
  const ordered = once.toSorted((one, other) => kindRank[one.scope.kind] - kindRank[other.scope.kind])
  const lines = ordered.map(({ scope, interval }) => ({
    name: scope.kind === 'rung' ? `rung: ${scopeName(scope)}` : scopeName(scope),
    ...percentages(interval),
    colour: colour(interval),
    mean: scope.kind !== 'task',
  }))
  const extent = 1.08 * Math.max(1, ...lines.flatMap(({ low, high }) => [Math.abs(low), Math.abs(high)]))
  const lowest = Math.min(0, ...lines.map(({ low }) => low)) < 0 ? -extent : -extent * 0.1
  return plot({
    width,
    height: lines.length * 22 + 44,
    marginLeft: 146,
    marginRight: 16,
    marginTop: 4,
    marginBottom: 38,
    x: {
      domain: [lowest, extent],
      label: 'difference in hit@1, points',
      labelAnchor: 'center',
      labelArrow: 'none',
      ticks: Math.min(8, width / 80),
      tickFormat: (value: number) => points(value / 100).replace('.0', ''),
    },
    y: { domain: lines.map((line) => line.name), label: null, tickSize: 0 },
    marks: [
      Plot.gridX({ stroke: 'var(--rule)', strokeOpacity: 1 }),
      Plot.ruleX([0], { stroke: 'var(--ink)', strokeOpacity: 0.7 }),
      Plot.ruleY(lines, {
        x1: 'low',
        x2: 'high',
        y: 'name',
        stroke: 'colour',
        strokeWidth: (line: { mean: boolean }) => (line.mean ? 3.5 : 2),
        strokeOpacity: 0.55,
      }),
      Plot.dot(lines, {
        x: 'value',
        y: 'name',
        fill: 'colour',
        r: (line: { mean: boolean }) => (line.mean ? 5 : 3.5),
      }),
    ],
  })
}

function differenceTable(results: Results): HTMLElement {
  const rows = results.differences.map(({ a, b, scope, interval }) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, `${modelName(results, a)} − ${modelName(results, b)}`),
      h('td', { class: 'text' }, scopeName(scope)),
      h('td', {}, points(interval.value)),
      h('td', {}, pointsRange(interval)),
    ),
  )
  const head = h(
    'tr',
    {},
    ...['Difference', 'Over', 'Points', '95 % interval'].map((name) => h('th', { scope: 'col' }, name)),
  )
  return scrolling('Paired differences', h('table', {}, h('thead', {}, head), h('tbody', {}, ...rows)))
}
