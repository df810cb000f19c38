/** @file The paired differences of models, drawn and as numbers. */

import * as Plot from '@observablehq/plot'
import { modelName, points, pointsRange, scopeName } from '../format.ts'
import { differencesByPair, excludesZero, headlinePair } from '../lookup.ts'
import type { Interval, Measured, Results, Scope } from '../results.ts'
import { canvas, figure, percentages, plot } from './chart.ts'
import { colourOf } from './colour.ts'
import { h, more, scrolling, section } from './element.ts'

export function differences(results: Measured): HTMLElement | null {
  const pairs = differencesByPair(results)
  if (pairs.length === 0) return null
  const headline = headlinePair(results)
  const isHeadline = ({ a, b }: { a: string; b: string }) => a === headline?.a.id && b === headline.b.id
  const draw = ({ a, b, rows }: (typeof pairs)[number], small: boolean) =>
    figure(
      `${modelName(results, a)} − ${modelName(results, b)}`,
      small
        ? `Right of zero, ${modelName(results, a)}, scores higher.`
        : 'Each bar is the 95 % interval of a paired difference; thick bars are means. Right of zero the ' +
            'first scores higher, left of it the second; bars that cross zero are grey: they decide nothing.',
      differenceChart(results, { a, b, rows }),
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
    rest.length === 0 ? null : h('h3', {}, 'Against other models, untuned ones and controls'),
    rest.length === 0 ? null : grid,
    rest.length === 0 ? null : more('These differences as numbers', differenceTable(results)),
  )
}

const kindRank = {
  all: 0,
  'in-domain': 1,
  average: 2,
  metaTask: 3,
  shift: 4,
  task: 5,
} as const satisfies Record<Scope['kind'], number>

/** A pair of models and the differences between them. */
export interface DrawnPair {
  readonly a: string
  readonly b: string
  readonly rows: Results['differences']
}

/** The differences of a pair as bars. @param metric in words */
export function differenceChart(
  results: Pick<Results, 'models'>,
  pair: DrawnPair,
  metric = 'hit@1',
): HTMLElement {
  const { a, b } = pair
  return canvas(`Paired differences ${modelName(results, a)} minus ${modelName(results, b)}`, (width) =>
    differencePlot(results, pair, metric, width),
  )
}

/** Pixels for the names of tasks and means. */
const LEFT = 146

function differencePlot(
  results: Pick<Results, 'models'>,
  { a, b, rows }: DrawnPair,
  metric: string,
  width: number,
): Element {
  const colour = (interval: Interval) => {
    const model = results.models.find((one) => one.id === (interval.value > 0 ? a : b))
    return excludesZero(interval) && model !== undefined ? colourOf(results, model) : 'var(--control)'
  }
  // Where the in-domain mean is given, the shift of the same name says it twice.
  const repeated = rows.some(({ scope }) => scope.kind === 'in-domain')
  const once = rows.filter(({ scope }) => !(repeated && scope.kind === 'shift' && scope.shift === 'in'))
  const ordered = once.toSorted((one, other) => kindRank[one.scope.kind] - kindRank[other.scope.kind])
  const lines = ordered.map(({ scope, interval }) => ({
    name: scope.kind === 'shift' ? `shift: ${scopeName(scope)}` : scopeName(scope),
    ...percentages(interval),
    colour: colour(interval),
    mean: scope.kind !== 'task',
  }))
  const extent = 1.08 * Math.max(1, ...lines.flatMap(({ low, high }) => [Math.abs(low), Math.abs(high)]))
  const lowest = Math.min(0, ...lines.map(({ low }) => low)) < 0 ? -extent : -extent * 0.1
  const ticks = Math.max(2, Math.min(8, (width - LEFT) / 60))
  return plot({
    width,
    height: lines.length * 22 + 44,
    marginLeft: LEFT,
    marginRight: 16,
    marginTop: 4,
    marginBottom: 38,
    x: {
      domain: [lowest, extent],
      label: `difference in ${metric}, points`,
      labelAnchor: 'center',
      labelArrow: 'none',
      ticks,
      tickFormat: (value: number) => points(value / 100).replace('.0', ''),
    },
    y: { domain: lines.map((line) => line.name), label: null, tickSize: 0 },
    marks: [
      Plot.gridX({ stroke: 'var(--rule)', strokeOpacity: 1, ticks }),
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

function differenceTable(results: Measured): HTMLElement {
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
