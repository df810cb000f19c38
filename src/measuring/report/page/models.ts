/**
 * @file The measured models with their hashes, the tasks with their chance
 * levels, notes.
 */

import { candidatesWords, percent } from '../format.ts'
import { subjects } from '../lookup.ts'
import type { Measured } from '../results.ts'
import { colourOf } from './colour.ts'
import { h, noteList, scrolling, section } from './element.ts'

/** Both tables and the notes. */
export function models(results: Measured): HTMLElement {
  const described = results.models.filter((model) => model.role !== 'chance' && model.role !== 'majority')
  const rows = described.map((model) =>
    h(
      'tr',
      {},
      h(
        'th',
        { scope: 'row' },
        h('i', { class: 'swatch', style: `--swatch: ${colourOf(results, model)}` }),
        model.label,
      ),
      ...[
        model.state === 'none' ? '–' : model.state,
        model.objective === 'none' ? '–' : model.objective,
        model.attention === 'none' ? '–' : model.attention,
        model.parameters === null ? '–' : `${(model.parameters / 1e6).toFixed(2)} M`,
        model.readout ?? '–',
      ].map((text) => h('td', { class: 'text' }, text)),
      h(
        'td',
        { class: 'text' },
        model.hash === null ? '–' : h('code', { title: model.hash }, model.hash.slice(0, 12)),
      ),
    ),
  )
  const cards = subjects(results, 'untuned').flatMap((model) =>
    model.card === undefined ? [] : [h('p', {}, h('b', {}, `${model.label}. `), model.card)],
  )
  return section(
    'models',
    'Models and tasks',
    tableOf('Models', ['Model', 'State', 'Objective', 'Attention', 'Parameters', 'Readout', 'Hash'], rows),
    ...cards,
    tableOf(
      'Tasks',
      ['Task', 'Why it is here', 'Queries', 'Candidates', 'Chance, %', 'Majority, %'],
      results.tasks.map((task) =>
        h(
          'tr',
          {},
          h('th', { scope: 'row' }, task.name),
          h('td', { class: 'text wide' }, task.reason),
          h('td', {}, String(task.queries)),
          h('td', {}, candidatesWords(task)),
          h('td', {}, percent(task.chance)),
          h('td', {}, task.majority === null ? '–' : percent(task.majority)),
        ),
      ),
    ),
    noteList('Notes', results.notes),
  )
}

function tableOf(label: string, columns: string[], rows: HTMLElement[]): HTMLElement {
  const head = h(
    'tr',
    {},
    ...columns.map((column, index) => h('th', { scope: 'col', class: index === 0 ? '' : 'text' }, column)),
  )
  return scrolling(label, h('table', {}, h('thead', {}, head), h('tbody', {}, ...rows)))
}
