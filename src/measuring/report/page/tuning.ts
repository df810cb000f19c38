/**
 * @file The effect of tuning: scores before and after, the loss on the way, choices on dev rows.
 */

import * as Plot from '@observablehq/plot'
import { metaTaskNames, modelName, percent } from '../format.ts'
import { isSubject, meanOf, subjects, tunedFormOf } from '../lookup.ts'
import type { Results, ResultsModel, Scope } from '../results.ts'
import { canvas, figure, padded, plot, separate } from './chart.ts'
import { colourOf } from './colour.ts'
import { h, scrolling, section } from './element.ts'
import { type Slope, slopePlot } from './slopes.ts'

export function tuning(results: Results): HTMLElement | null {
  const tuned = results.models.filter((model) => model.tuning !== undefined)
  if (tuned.length === 0) return null
  const settings = tuned[0]?.tuning
  const words =
    settings === undefined
      ? ''
      : `Contrastive tuning (InfoNCE, temperature from ${settings.temperature.start} down to ${settings.temperature.end}): ${settings.steps} steps of ${settings.batch} pairs, ` +
        `${settings.rank === null ? 'all decoder weights' : `LoRA rank ${settings.rank}`}, Muon at ${settings.learningRate}. ` +
        'Pooling was chosen on dev rows, never on the rows scored above.'
  return section(
    'tuning',
    'What tuning did',
    h('p', {}, words),
    beforeAfter(results),
    lossCurves(results, tuned),
    choices(results, tuned),
  )
}

function beforeAfter(results: Results): HTMLElement {
  const metaTasks = [...new Set(results.tasks.map((task) => task.metaTask))]
  const panels = metaTasks.map((metaTask) => {
    const scope: Scope = { kind: 'metaTask', metaTask }
    const rows: Slope[] = [
      ...subjects(results, 'untuned').map((model) => ({
        label: model.label,
        colour: colourOf(results, model),
        before: meanOf(results, model.id, scope),
        after: afterTuning(results, model, scope),
      })),
      ...results.models
        .filter((model) => model.role === 'random-decoder' && model.state === 'tuned')
        .map((model) => ({
          label: model.label,
          colour: 'var(--control)',
          before: undefined,
          after: meanOf(results, model.id, scope),
        })),
    ]
    return {
      metaTask,
      rows: rows.map((row) => ({ ...row, before: inPercent(row.before), after: inPercent(row.after) })),
    }
  })
  const highest = Math.max(
    ...panels.flatMap(({ rows }) =>
      rows.flatMap(({ before, after }) => [before?.high ?? 0, after?.high ?? 0]),
    ),
  )
  const domain: [number, number] = [0, Math.min(100, 1.08 * highest)]
  const controlled = results.models.some(({ role, state }) => role === 'random-decoder' && state === 'tuned')
  const control = controlled
    ? [
        'Grey: the same tuning of a randomly initialised decoder on the same image tower, so the ' +
          'distance to it is the worth of pretraining.',
      ]
    : []
  return figure(
    'Mean hit@1 before and after, %',
    [
      'Hollow: before tuning; filled: after. Bars are 95 % intervals; all panels share one scale.',
      ...control,
    ].join(' '),
    h(
      'div',
      { class: 'grid' },
      ...panels.map(({ metaTask, rows }) =>
        h(
          'div',
          {},
          h('div', { class: 'panel-title' }, metaTaskNames[metaTask]),
          canvas(`${metaTaskNames[metaTask]}: mean hit@1 before and after tuning`, (width) =>
            slopePlot(rows, width, { domain }),
          ),
        ),
      ),
    ),
  )
}

function afterTuning(results: Results, model: ResultsModel, scope: Scope): Slope['after'] {
  const tuned = tunedFormOf(results, model)
  return tuned === undefined ? undefined : meanOf(results, tuned.id, scope)
}

function inPercent(interval: Slope['after']): Slope['after'] {
  return interval && { value: 100 * interval.value, low: 100 * interval.low, high: 100 * interval.high }
}

function lossCurves(results: Results, tuned: ResultsModel[]): HTMLElement | null {
  const curves = tuned.filter((model) => (model.tuning?.lossCurve.length ?? 0) > 1)
  if (curves.length === 0) return null
  const rows = curves.flatMap((model) =>
    (model.tuning?.lossCurve ?? []).map(([step, loss]) => ({
      step,
      loss,
      model: model.id,
      colour: colourOf(results, model),
      control: !isSubject(model),
    })),
  )
  const ends = curves.flatMap((model) => {
    const last = model.tuning?.lossCurve.at(-1)
    return last === undefined
      ? []
      : [{ step: last[0], loss: last[1], label: model.label, colour: colourOf(results, model) }]
  })
  const height = 240
  const domain = padded(rows.map((row) => row.loss))
  const shifts = separate(
    ends.map(({ loss }) => (height - 54) * (1 - (loss - domain[0]) / (domain[1] - domain[0]))),
    14,
  )
  return figure(
    'Contrastive loss while tuning, nats',
    'Lower is better, on training batches: it shows that training was steady and where it stopped, ' +
      'not which model embeds better.',
    canvas('Loss curves of the tuned models', (width) =>
      plot({
        width,
        height,
        marginLeft: 44,
        marginRight: 128,
        marginTop: 14,
        marginBottom: 40,
        x: {
          label: 'step',
          labelAnchor: 'center',
          labelArrow: 'none',
          ticks: Math.min(8, width / 90),
          tickSize: 0,
        },
        y: { domain, label: null, ticks: 5, tickSize: 0 },
        marks: [
          Plot.gridY({ stroke: 'var(--rule)', strokeOpacity: 1, ticks: 5 }),
          Plot.line(rows, {
            x: 'step',
            y: 'loss',
            z: 'model',
            stroke: 'colour',
            strokeWidth: 1.5,
            strokeOpacity: 0.9,
          }),
          ...ends.map((end, index) =>
            Plot.text([end], {
              x: 'step',
              y: 'loss',
              text: 'label',
              fill: 'colour',
              textAnchor: 'start',
              dx: 7,
              dy: shifts[index]!,
            }),
          ),
        ],
      }),
    ),
  )
}

function choices(results: Results, tuned: ResultsModel[]): HTMLElement | null {
  const rows = tuned.flatMap((model) =>
    (model.tuning?.devChoices ?? []).map(({ setting, hit1, chosen }) =>
      h(
        'tr',
        { class: chosen ? 'chosen' : '' },
        h('th', { scope: 'row' }, modelName(results, model.id)),
        h('td', { class: 'text' }, setting),
        h('td', {}, percent(hit1)),
        h('td', { class: 'text' }, chosen ? 'used' : ''),
      ),
    ),
  )
  if (rows.length === 0) return null
  const head = h(
    'tr',
    {},
    ...['Model', 'Setting', 'Dev hit@1, %', ''].map((name) => h('th', { scope: 'col' }, name)),
  )
  return h(
    'details',
    {},
    h('summary', {}, 'What was chosen on dev rows'),
    scrolling('Choices on dev rows', h('table', {}, h('thead', {}, head), h('tbody', {}, ...rows))),
  )
}
