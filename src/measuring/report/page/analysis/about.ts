/** @file Subjects, measures, inputs and notes of an analysis. */

import type { Analysis } from '../../../analysis/analysis.ts'
import { h, noteList, section } from '../element.ts'
import { table } from './table.ts'

export function about({ subjects, measures, inputs, notes }: Analysis): HTMLElement {
  return section(
    'about',
    'What was measured',
    table(
      'Subjects',
      ['Subject', 'Readout', 'Dims', 'Pairs', 'Sampled', 'Groups'],
      subjects.map(({ label, readout, dim, pairs, sampled, clusters }) => [
        label,
        readout ?? '–',
        ...[dim, pairs, sampled, clusters].map((count) =>
          h('td', { 'data-value': String(count) }, count.toLocaleString('en')),
        ),
      ]),
    ),
    table(
      'Measures',
      ['Measure', 'Formula', 'Better is', 'Source'],
      measures.map(({ label, formula, direction, source }) => [
        label,
        h('td', { class: 'text wide' }, h('code', {}, formula)),
        direction,
        h('td', { class: 'text wide' }, source),
      ]),
    ),
    h('p', { class: 'meaning' }, `Read: ${inputs.map(({ role, name }) => `${role} ${name}`).join(', ')}.`),
    noteList('Notes', notes),
  )
}
