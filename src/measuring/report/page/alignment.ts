/**
 * @file How well image and text are aligned: each measure before and after tuning, and layer by
 * layer.
 */

import * as Plot from '@observablehq/plot'
import { measured, modelName } from '../format.ts'
import { isSubject, subjects, tunedFormOf } from '../lookup.ts'
import type { Aligned, Interval, Results } from '../results.ts'
import { canvas, figure, key, padded, plot, separate } from './chart.ts'
import { colourOf } from './colour.ts'
import { h, more, scrolling, section } from './element.ts'
import { intervalDots } from './interval-dots.ts'
import { slopePlot } from './slopes.ts'

type Measure = Results['measures'][number]

const aim = {
  higher: '↑ higher is better aligned',
  lower: '↓ lower is better aligned',
  neither: 'neither end is better',
} as const

export function alignment(results: Aligned): HTMLElement | null {
  if (results.alignment.length === 0) return null
  const tuned = results.models.some(({ state }) => state !== 'none')
  return section(
    'alignment',
    'How well image and text are aligned',
    h(
      'p',
      {},
      tuned
        ? 'Each measure looks at matched image and text vectors that were never used in tuning. Bars and ' +
            'bands are 95 % intervals.'
        : 'Each measure looks at matched image and text vectors. Bars and bands are 95 % intervals.',
    ),
    figure(
      tuned ? 'Before and after tuning' : 'At the readout in use',
      tuned
        ? 'Hollow: before tuning; filled: after, at the layer and pooling that the model is used with. ' +
            'Each panel has its own scale.'
        : 'Each panel has its own scale; bars are 95 % intervals.',
      h(
        'div',
        { class: 'grid' },
        ...results.measures
          .map((measure) => (tuned ? beforeAfterPanel : stillPanel)(results, measure))
          .filter((panel) => panel !== null),
      ),
    ),
    layers(results),
    more('These measures as numbers', table(results)),
  )
}

function atReadout(results: Aligned, model: string | undefined, measure: Measure): Interval | undefined {
  return results.alignment.find(
    (one) => one.model === model && one.measure === measure.name && one.layer === null,
  )?.interval
}

function beforeAfterPanel(results: Aligned, measure: Measure): HTMLElement | null {
  const slopes = [
    ...subjects(results, 'untuned').map((model) => ({
      label: model.label,
      colour: colourOf(results, model),
      before: atReadout(results, model.id, measure),
      after: atReadout(results, tunedFormOf(results, model)?.id, measure),
    })),
    ...results.models
      .filter((model) => !isSubject(model) && atReadout(results, model.id, measure) !== undefined)
      .map((model) => ({
        label: model.label,
        colour: colourOf(results, model),
        before: undefined,
        after: atReadout(results, model.id, measure),
      })),
  ].filter(({ before, after }) => before !== undefined || after !== undefined)
  if (slopes.length === 0) return null
  return h(
    'div',
    { class: 'panel' },
    panelTitle(measure),
    canvas(`${measure.label} before and after tuning`, (width) => slopePlot(slopes, width)),
    h('p', { class: 'meaning' }, measure.meaning, ' ', h('cite', {}, measure.source)),
  )
}

/** A measure of models of which no state before or after is known. */
function stillPanel(results: Aligned, measure: Measure): HTMLElement | null {
  const rows = results.models.flatMap((model) => {
    const interval = atReadout(results, model.id, measure)
    return interval === undefined
      ? []
      : [{ name: model.label, ...interval, colour: colourOf(results, model) }]
  })
  if (rows.length === 0) return null
  return h(
    'div',
    { class: 'panel' },
    panelTitle(measure),
    canvas(`${measure.label} of each model`, (width) => intervalDots(rows, width)),
    h('p', { class: 'meaning' }, measure.meaning, ' ', h('cite', {}, measure.source)),
  )
}

function panelTitle(measure: Measure): HTMLElement {
  return h('div', { class: 'panel-title' }, measure.label, h('small', {}, aim[measure.direction]))
}

function layers(results: Aligned): HTMLElement | null {
  const rows = results.alignment.flatMap(({ model, measure, layer, interval }) => {
    const found = results.models.find((one) => one.id === model)
    return layer === null || found === undefined
      ? []
      : [{ model: found, measure, depth: depthOf(layer), ...interval, colour: colourOf(results, found) }]
  })
  if (rows.length === 0) return null
  const shown = [...new Set(rows.map((row) => row.model))]
  const panels = results.measures.flatMap((measure) => {
    const here = rows.filter((row) => row.measure === measure.name)
    if (here.length === 0) return []
    const draw = (width: number) => layerPlot(here, width)
    return [h('div', { class: 'panel' }, panelTitle(measure), canvas(`${measure.label} at each layer`, draw))]
  })
  return figure(
    statesWords(shown.map((model) => model.state)),
    'From the decoder’s inputs through its layers, counted from 0 as `bifocal embed --layer` counts ' +
      'them. Where lines part tells at which depth the two models treat image and text differently.',
    key(shown.map((model) => ({ label: modelName(results, model.id), colour: colourOf(results, model) }))),
    h('div', { class: 'grid' }, ...panels),
  )
}

function statesWords(states: readonly Aligned['models'][number]['state'][]): string {
  const known = [...new Set(states)].filter((state) => state !== 'none')
  return known.length === 0 ? 'Layer by layer' : `Layer by layer, ${known.join(' and ')} models`
}

/** Place of a state on the axis: the inputs stand in front of layer 0. */
function depthOf(layer: NonNullable<Results['alignment'][number]['layer']>): number {
  return layer === 'inputs' ? -1 : layer
}

interface LayerRow extends Interval {
  depth: number
  colour: string
  model: { id: string; label: string }
}

/** Letters that fit into the margin of a panel. */
const LONGEST_NAME = 14

function layerPlot(rows: LayerRow[], width: number): Element {
  const height = 170
  const domain = padded(rows.flatMap(({ low, high }) => [low, high]))
  const last = Math.max(...rows.map((row) => row.depth))
  // Names that do not fit beside the lines stand in the key alone.
  const isNamed = rows.every(({ model }) => model.label.length <= LONGEST_NAME)
  const ends = isNamed ? rows.filter((row) => row.depth === last) : []
  const shifts = separate(
    ends.map(({ value }) => (height - 50) * (1 - (value - domain[0]) / (domain[1] - domain[0]))),
    14,
  )
  return plot({
    width,
    height,
    marginTop: 10,
    marginRight: isNamed ? 92 : 12,
    marginBottom: 40,
    marginLeft: 44,
    x: {
      domain: [Math.min(...rows.map((row) => row.depth)), last],
      label: 'layer',
      labelAnchor: 'center',
      labelArrow: 'none',
      ticks: Math.min(last + 1, 6),
      tickFormat: (depth: number) => (depth < 0 ? 'in' : String(depth)),
      tickSize: 0,
    },
    y: { domain, label: null, ticks: 4, tickSize: 0 },
    marks: [
      Plot.gridY({ stroke: 'var(--rule)', strokeOpacity: 1, ticks: 4 }),
      Plot.areaY(rows, {
        x: 'depth',
        y1: 'low',
        y2: 'high',
        z: (row: LayerRow) => row.model.id,
        fill: 'colour',
        fillOpacity: 0.16,
      }),
      Plot.line(rows, {
        x: 'depth',
        y: 'value',
        z: (row: LayerRow) => row.model.id,
        stroke: 'colour',
        strokeWidth: 1.8,
      }),
      Plot.dot(rows, { x: 'depth', y: 'value', fill: 'var(--paper)', stroke: 'colour', r: 3 }),
      ...ends.map((end, index) =>
        Plot.text([end], {
          x: 'depth',
          y: 'value',
          text: () => end.model.label,
          fill: end.colour,
          textAnchor: 'start',
          dx: 8,
          dy: shifts[index]!,
        }),
      ),
    ],
  })
}

function table(results: Aligned): HTMLElement {
  const models = results.models.filter((model) =>
    results.alignment.some((one) => one.model === model.id && one.layer === null),
  )
  const rows = results.measures.map((measure) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, measure.label),
      ...models.map((model) => {
        const value = atReadout(results, model.id, measure)
        if (value === undefined) return h('td', { class: 'absent' }, '–')
        return h(
          'td',
          {},
          measured(value.value),
          h('small', {}, `${measured(value.low)} to ${measured(value.high)}`),
        )
      }),
    ),
  )
  const head = h(
    'tr',
    {},
    h('th', { scope: 'col' }, 'Measure'),
    ...models.map((model) => h('th', { scope: 'col' }, modelName(results, model.id))),
  )
  return scrolling('Alignment measures', h('table', {}, h('thead', {}, head), h('tbody', {}, ...rows)))
}
