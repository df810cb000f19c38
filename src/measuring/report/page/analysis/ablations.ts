/** @file Scores of other readouts of the same pass. */

import type { Analysis } from '../../../analysis/analysis.ts'
import { figure } from '../chart.ts'
import { h, section } from '../element.ts'
import { labelOf, scoreLabel } from './labels.ts'
import { inPercent, inPoints, intervalCell, table } from './table.ts'

export function ablations(
  analysis: Analysis,
  { subject, score, rows }: Analysis['ablations'][number],
  index: number,
): HTMLElement {
  const number = (value: number) => h('td', { 'data-value': String(value) }, value.toLocaleString('en'))
  return section(
    `ablations-${index + 1}`,
    `Readouts: ${labelOf(analysis, subject)}`,
    figure(
      `${scoreLabel(analysis, score)} of other readouts`,
      'The first row of each kind that is marked is the readout in use; differences are to it, in points, ' +
        'with their 95 % intervals; bold where zero is excluded. Press a head to sort.',
      table(
        'Readouts',
        [
          'Layer',
          'Norm',
          'Pooling',
          'Attention',
          'Dims',
          'Numbers',
          'Bytes',
          'Score, %',
          'Difference, points',
        ],
        rows.map((row) => [
          `${row.layer}${row.base ? ' (in use)' : ''}`,
          row.norm,
          row.pool,
          row.attention,
          number(row.dims),
          row.quantize === 'none' ? 'f32' : row.quantize,
          number(row.bytes),
          intervalCell(row.interval, inPercent),
          intervalCell(row.difference, inPoints, true),
        ]),
      ),
    ),
  )
}
