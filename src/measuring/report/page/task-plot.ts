/** @file The dot plot of every task. */

import * as Plot from '@observablehq/plot'
import { metaTaskNames, modelName } from '../format.ts'
import { subjects } from '../lookup.ts'
import type { Results, ResultsModel } from '../results.ts'
import { canvas, figure, key, percentages, plot } from './chart.ts'
import { colourOf } from './colour.ts'
import { h } from './element.ts'
import { metaTaskRank } from './meta-task.ts'

/** One row of dots a task: the compared models with their intervals, the controls as grey marks. */
export function taskPlot(results: Results): HTMLElement {
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
