/** @file Changes of the vectors without a new training, and their scores. */

import type { Analysis } from '../../../analysis/analysis.ts'
import { excludesZero } from '../../lookup.ts'
import { canvas, figure, percentages } from '../chart.ts'
import { h, section } from '../element.ts'
import { intervalDots } from '../interval-dots.ts'
import { labelOf, scoreLabel } from './labels.ts'
import { inPercent, intervalCell, table } from './table.ts'

export function remedies(
  analysis: Analysis,
  { subject, fitted, scored, rows }: Analysis['remedies'][number],
  index: number,
): HTMLElement {
  const scores = [...new Set(rows.flatMap(({ figures }) => figures.map(({ score }) => score)))]
  const [first] = scores
  const drawn = rows.flatMap(({ label, figures }) => {
    const difference = figures.find(({ score }) => score === first)?.difference
    return difference === null || difference === undefined
      ? []
      : [
          {
            name: label,
            ...percentages(difference),
            colour: excludesZero(difference) ? 'var(--ink)' : 'var(--control)',
          },
        ]
  })
  return section(
    `remedies-${index + 1}`,
    `Remedies: ${labelOf(analysis, subject)}`,
    h(
      'p',
      {},
      `Changes of the vectors without a new training, fitted on ${fitted.toLocaleString('en')} pairs and ` +
        `scored on ${scored.toLocaleString('en')} others.`,
    ),
    drawn.length === 0 || first === undefined
      ? null
      : figure(
          `Change of ${scoreLabel(analysis, first)}, points`,
          'Against the vectors as they are; bars are 95 % intervals. Grey bars hold zero: they decide nothing.',
          canvas(`Change of ${first} by each remedy`, (width) => intervalDots(drawn, width, { zero: true })),
        ),
    figure(
      'Scores in per cent',
      'The 95 % interval stands below each score.',
      table(
        'Scores of remedies',
        ['Remedy', ...scores.map((score) => scoreLabel(analysis, score))],
        rows.map(({ label, setting, figures }) => [
          setting === null ? label : `${label}, ${setting}`,
          ...scores.map((score) =>
            intervalCell(figures.find((one) => one.score === score)?.interval ?? null, inPercent),
          ),
        ]),
      ),
    ),
  )
}
