/** @file The comparisons of a study of models that share a base: bases, masks, what can be told. */

import { points, pointsRange } from '../format.ts'
import type { PairsResults } from '../pairs.ts'
import type { Results } from '../results.ts'
import { h, scrolling, section } from './element.ts'

/** Null in a study of another plan. */
export function pairs(results: Results): HTMLElement | null {
  const { pairs: found } = results
  if (found === undefined) return null
  const told = found.comparisons.filter((one) => one.told)
  return section(
    'pairs',
    'Model against model, mask against mask',
    h(
      'p',
      {},
      `Of ${found.comparisons.length} paired differences, ${told.length} can be told: their interval excludes ` +
        'zero, and their p-value stands among all of them (Holm).',
    ),
    comparisonTable(results, found),
    h('h3', {}, 'The base'),
    baseTable(results, found),
    ...found.left.map(({ model, mask, reason }) =>
      h('p', {}, `${labelOf(results, model)} was not run under the mask ${mask}: ${reason}.`),
    ),
  )
}

function comparisonTable(results: Results, { comparisons }: PairsResults): HTMLElement {
  const rows = comparisons.map(({ kind, a, b, interval, adjusted, told }) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, `${labelOf(results, a)} − ${labelOf(results, b)}`),
      h('td', { class: 'text' }, kind),
      h('td', {}, points(interval.value)),
      h('td', {}, pointsRange(interval)),
      h('td', {}, adjusted < 0.001 ? '< 0.001' : adjusted.toFixed(3)),
      h(
        'td',
        { class: 'text' },
        told ? (interval.value > 0 ? 'first better' : 'second better') : 'cannot be told',
      ),
    ),
  )
  return table('Comparisons', ['Difference', 'Of', 'Points', '95 % interval', 'p (Holm)', 'Told'], rows)
}

function baseTable(results: Results, { first, others }: PairsResults): HTMLElement {
  const part = ({ tensors, identical, distance }: PairsResults['others'][number]['decoder']) =>
    `${identical} of ${tensors}${distance === null ? '' : `; distance ${distance.toFixed(3)}`}`
  const rows = others.map(({ model, differs, decoder, vision }) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, labelOf(results, model)),
      h('td', {}, part(decoder)),
      h('td', {}, part(vision)),
      h('td', { class: 'text' }, differs.length === 0 ? 'nothing' : differs.join('; ')),
    ),
  )
  const heads = [
    `Beside ${labelOf(results, first)}`,
    'Decoder: tensors identical',
    'Tower and projector',
    'Differs',
  ]
  return table('The base', heads, rows)
}

function table(label: string, heads: readonly string[], rows: readonly HTMLElement[]): HTMLElement {
  const head = h('tr', {}, ...heads.map((name) => h('th', { scope: 'col' }, name)))
  return scrolling(label, h('table', {}, h('thead', {}, head), h('tbody', {}, ...rows)))
}

/** The name of a model without its state. */
function labelOf({ models }: Results, id: string): string {
  return models.find((model) => model.id === id)?.label ?? id
}
