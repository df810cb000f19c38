/** @file Scores of other readouts of the same pass. */

import type { Analysis } from '../../../analysis/analysis.ts'
import { excludesZero } from '../../lookup.ts'
import { canvas, figure, percentages } from '../chart.ts'
import { h, more, section } from '../element.ts'
import { intervalDots } from '../interval-dots.ts'
import { labelOf, scoreLabel } from './labels.ts'
import { inPercent, inPoints, intervalCell, table } from './table.ts'

type Ablation = Analysis['ablations'][number]
type Row = Ablation['rows'][number]

/** Readouts that are drawn, and that stand in the table before it is opened. */
const SHOWN = 12

export function ablations(
  analysis: Analysis,
  { subject, score, rows }: Ablation,
  index: number,
): HTMLElement {
  const best = rows
    .filter(({ base }) => !base)
    .toSorted((a, b) => b.interval.value - a.interval.value)
    .slice(0, SHOWN)
  const first = [...rows.filter(({ base }) => base), ...best]
  const label = scoreLabel(analysis, score)
  return section(
    `ablations-${index + 1}`,
    `Readouts: ${labelOf(analysis, subject)}`,
    plotOf(best, label),
    figure(
      `${label} of the best readouts`,
      'The readout in use stands first; differences are to it, in points, with their 95 % intervals; bold ' +
        'where zero is excluded. Press a head to sort.',
      tableOf(first),
    ),
    first.length === rows.length
      ? null
      : more(`All ${rows.length.toLocaleString('en')} readouts`, tableOf(rows)),
  )
}

/** Differences of the best readouts to the one in use. */
function plotOf(best: readonly Row[], label: string): HTMLElement | null {
  const drawn = best.flatMap((row) =>
    row.difference === null
      ? []
      : [
          {
            name: nameOf(row),
            ...percentages(row.difference),
            colour: excludesZero(row.difference) ? 'var(--ink)' : 'var(--control)',
          },
        ],
  )
  if (drawn.length === 0) return null
  const left = 12 + 6.4 * Math.max(...drawn.map(({ name }) => name.length))
  return figure(
    `Change of ${label} by another readout, points`,
    `The ${drawn.length} highest scores, against the readout in use; bars are 95 % intervals of one readout ` +
      'alone. Grey bars hold zero. The best of many is partly luck: choose on some pairs, score on others.',
    canvas(`Change of ${label} by the best readouts`, (width) =>
      intervalDots(drawn, width, { zero: true, left: Math.min(left, width * 0.62) }),
    ),
  )
}

function nameOf({ layer, norm, pool, attention, dims, quantize }: Row): string {
  const form = quantize === 'none' ? [] : [quantize]
  return [layer, norm, pool, ...(attention === 'native' ? [] : [attention]), dims, ...form].join(' ')
}

function tableOf(rows: readonly Row[]): HTMLElement {
  const number = (value: number) => h('td', { 'data-value': String(value) }, value.toLocaleString('en'))
  return table(
    'Readouts',
    ['Layer', 'Norm', 'Pooling', 'Attention', 'Dims', 'Numbers', 'Bytes', 'Score, %', 'Difference, points'],
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
  )
}
