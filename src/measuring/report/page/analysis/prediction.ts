/** @file The measures that rank models as a score does. */

import type { Analysis } from '../../../analysis/analysis.ts'
import { figure } from '../chart.ts'
import { h, section } from '../element.ts'
import { pValue } from '../flips.ts'
import { intervalCell, plain, table } from './table.ts'

export function prediction({ prediction, measures }: Analysis): HTMLElement | null {
  if (prediction === null) return null
  return section(
    'prediction',
    'Which measure predicts the score',
    figure(
      `Rank correlation with ${prediction.score}, over ${prediction.models.length} models`,
      'Spearman’s, with its 95 % interval over models; p by permutation, adjusted for the number of ' +
        'measures (Holm). Bold where the adjusted p is below 0.05. With few models only strong relations show.',
      table(
        'Prediction',
        ['Measure', 'Rank correlation', 'p', 'p, adjusted', 'Verdict'],
        prediction.rows.map(({ measure, correlation, p, adjusted, verdict }) => [
          measures.find(({ name }) => name === measure)?.label ?? measure,
          intervalCell(correlation, plain),
          ...[p, adjusted].map((value, i) =>
            value === null
              ? h('td', { class: 'absent' }, '–')
              : h(
                  'td',
                  { 'data-value': String(value), ...(i === 1 && value < 0.05 ? { class: 'strong' } : {}) },
                  pValue(value),
                ),
          ),
          verdict === 'predicts' ? 'predicts' : 'cannot be told',
        ]),
      ),
    ),
  )
}
