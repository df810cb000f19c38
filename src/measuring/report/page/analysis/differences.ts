/** @file Paired differences of measures between two subjects. */

import type { Analysis } from '../../../analysis/analysis.ts'
import { figure } from '../chart.ts'
import { section } from '../element.ts'
import { labelOf } from './labels.ts'
import { intervalCell, plain, table } from './table.ts'

export function comparison(
  analysis: Analysis,
  { a, b, figures }: Analysis['comparisons'][number],
  index: number,
): HTMLElement | null {
  const own = figures.filter(({ layer }) => layer === null)
  if (own.length === 0) return null
  const names = `${labelOf(analysis, a)} − ${labelOf(analysis, b)}`
  return section(
    `difference-${index + 1}`,
    names,
    figure(
      'Paired differences of measures',
      'On the same pairs and the same draws; the 95 % interval stands below each. Bold where it excludes ' +
        'zero; the others decide nothing.',
      table(
        names,
        ['Measure', 'Better is', 'Difference'],
        own.map(({ measure, interval }) => {
          const found = analysis.measures.find(({ name }) => name === measure)
          return [found?.label ?? measure, found?.direction ?? '', intervalCell(interval, plain, true)]
        }),
      ),
    ),
  )
}
