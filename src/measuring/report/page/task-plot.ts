/** @file The dot plot of every task, for one metric at a time. */

import * as Plot from '@observablehq/plot'
import { metaTaskNames, modelName } from '../format.ts'
import { finalModels } from '../lookup.ts'
import type { Interval, Measured, Results, ResultsModel } from '../results.ts'
import { canvas, figure, key, percentages, plot } from './chart.ts'
import { colourOf } from './colour.ts'
import { h } from './element.ts'
import { metaTaskRank } from './meta-task.ts'

const HIT1 = 'hit1'

/** Grey marks: a symbol of Plot, and the sign that stands for it in the key. */
const SYMBOLS = [
  ['diamond', '◇'],
  ['times', '×'],
  ['triangle', '△'],
  ['square', '□'],
  ['star', '☆'],
  ['plus', '+'],
] as const

/** Controls of a study that share a mark, and what it is called. */
const CONTROLS: ReadonlyMap<ResultsModel['role'], string> = new Map([
  ['random-decoder', 'random decoder, tuned alike'],
  ['shuffled', 'pictures shuffled'],
])

interface Control {
  readonly label: string
  readonly models: readonly ResultsModel[]
  readonly symbol: string
  readonly glyph: string
}

/** Controls by their role, baselines of runs each alone. */
function controlsOf({ models }: Measured): Control[] {
  const named = [...CONTROLS].map(([role, label]) => ({
    label,
    models: models.filter((model) => model.role === role),
  }))
  const alone = models.filter(({ role }) => role === 'baseline')
  return [...named, ...alone.map((model) => ({ label: model.label, models: [model] }))]
    .filter((control) => control.models.length > 0)
    .map((control, i) => {
      const [symbol, glyph] = SYMBOLS[i % SYMBOLS.length]!
      return { ...control, symbol, glyph }
    })
}

/**
 * One row of dots a task: the compared models with their intervals, the controls as grey marks. A
 * menu switches the metric; only hit@1 has intervals and a blind guess.
 */
export function taskPlot(results: Measured): HTMLElement {
  const body = h('div', {})
  const menu = h(
    'select',
    { id: 'metric' },
    ...results.metrics.map(({ name, label }) => h('option', { value: name }, label)),
  )
  const show = () => body.replaceChildren(...panels(results, menu.value))
  menu.addEventListener('change', show)
  if (results.metrics.length > 0) menu.value = HIT1
  show()
  return figure(
    'Every task',
    'Dots are scores. Bars are the 95 % intervals of hit@1. A model has learned something from the ' +
      'pictures where its bar lies right of every grey mark. Point at a dot for its numbers.',
    h('label', { class: 'choice', for: 'metric' }, 'Metric ', menu),
    body,
  )
}

interface Dot extends Interval {
  task: string
  colour: string
  lane: number
  words: string
}

/** The key and a panel for each meta-task. */
function panels(results: Measured, metric: string): HTMLElement[] {
  const shown = finalModels(results)
  const controls = controlsOf(results)
  const scoresOf = (model: ResultsModel) =>
    results.scores.flatMap((score) => {
      if (score.model !== model.id) return []
      const value = score.metrics[metric]
      if (metric === HIT1) return [{ task: score.task, ...percentages(score.hit1) }]
      return value === undefined
        ? []
        : [{ task: score.task, ...percentages({ value, low: value, high: value }) }]
    })
  const dots = shown.flatMap((model, lane) =>
    scoresOf(model).map((score): Dot => {
      const range =
        score.high > score.low ? ` (95 %: ${score.low.toFixed(1)} to ${score.high.toFixed(1)})` : ''
      const words = `${score.task}\n${modelName(results, model.id)}: ${score.value.toFixed(1)}${range}`
      return { ...score, lane, colour: colourOf(results, model), words }
    }),
  )
  const marks = controls.flatMap(({ models, label, symbol }) =>
    models.flatMap((model) =>
      scoresOf(model).map(({ task, value }) => ({
        task,
        value,
        symbol,
        words: `${task}\n${label}: ${value.toFixed(1)}`,
      })),
    ),
  )
  const order = results.tasks.toSorted((a, b) => metaTaskRank(a.metaTask) - metaTaskRank(b.metaTask))
  const groups = [...new Set(order.map((task) => task.metaTask))]
  const label = results.metrics.find(({ name }) => name === metric)?.label ?? metric
  return [
    key([
      ...shown.map((model) => ({ label: modelName(results, model.id), colour: colourOf(results, model) })),
      ...controls.map(({ label, glyph }) => ({ label, colour: 'var(--control)', glyph })),
      ...(metric === HIT1
        ? [
            {
              label: 'best blind guess (chance or majority)',
              colour: 'var(--control)',
              shape: 'tick' as const,
            },
          ]
        : []),
    ]),
    ...groups.flatMap((metaTask, index) => [
      h('div', { class: 'panel-title' }, metaTaskNames[metaTask]),
      canvas(`${label} on ${metaTaskNames[metaTask]} tasks; hit@1 is in the table below`, (width) =>
        panel({
          tasks: order.filter((task) => task.metaTask === metaTask),
          dots,
          marks,
          lanes: shown.length,
          guess: metric === HIT1,
          axis: index === groups.length - 1 ? `${label}, %` : undefined,
          width,
        }),
      ),
    ]),
  ]
}

interface Panel {
  tasks: Results['tasks']
  dots: Dot[]
  marks: { task: string; value: number; symbol: string; words: string }[]
  /** Models side by side in a row. */
  lanes: number
  /** Whether the best blind guess is drawn. */
  guess: boolean
  /** The title of the axis; undefined for a panel without one. */
  axis: string | undefined
  width: number
}

function panel({ tasks, dots, marks, lanes, guess, axis, width }: Panel): Element {
  const names = tasks.map((task) => task.name)
  const here = <Row extends { task: string }>(rows: Row[]) => rows.filter((row) => names.includes(row.task))
  const row = 14 + 12 * Math.max(1, lanes)
  const tip = { format: { x: null, y: null }, fill: 'var(--raised)', stroke: 'var(--control)' } as const
  return plot({
    width,
    height: names.length * row + (axis === undefined ? 10 : 40),
    marginLeft: 146,
    marginRight: 16,
    marginTop: 4,
    marginBottom: axis === undefined ? 6 : 36,
    x: {
      domain: [0, 100],
      label: axis ?? null,
      ticks: axis === undefined ? [] : 5,
      labelAnchor: 'center',
      labelArrow: 'none',
    },
    y: { domain: names, label: null, tickSize: 0 },
    marks: [
      Plot.gridX([0, 20, 40, 60, 80, 100], { stroke: 'var(--rule)', strokeOpacity: 1 }),
      Plot.tickX(guess ? tasks : [], {
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
        title: 'words',
        tip,
      }),
      ...Array.from({ length: lanes }, (_, lane) => {
        const rows = here(dots).filter((dot) => dot.lane === lane)
        const dy = 11 * (lane - (lanes - 1) / 2)
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
          Plot.dot(rows, { x: 'value', y: 'task', fill: 'colour', r: 4, dy, title: 'words', tip }),
        ]
      }).flat(),
    ],
  })
}
