/** @file Items with both text and picture: which of the two their vectors follow. */

import type { Analysis } from '../../../analysis/analysis.ts'
import type { Aligned } from '../../results.ts'
import { canvas, figure } from '../chart.ts'
import { colourOf } from '../colour.ts'
import { section } from '../element.ts'
import { intervalDots } from '../interval-dots.ts'
import { labelOf } from './labels.ts'

export function fused(analysis: Analysis, { models }: Aligned): HTMLElement | null {
  const shown = analysis.fused.filter(({ figures }) => figures.length > 0)
  if (shown.length === 0) return null
  return section(
    'fused',
    'Items with both text and picture',
    ...shown.map(({ subject, side, items, figures }) => {
      const model = models.find(({ id }) => id === subject)
      const colour = model === undefined ? 'var(--ink)' : colourOf({ models }, model)
      const title = `${labelOf(analysis, subject)}, ${side}: ${items.toLocaleString('en')} items`
      return figure(
        title,
        figures.map(({ label, meaning }) => `${label}: ${meaning}`).join(' '),
        canvas(title, (width) =>
          intervalDots(
            figures.map(({ label, interval }) => ({ name: label, ...interval, colour })),
            width,
          ),
        ),
      )
    }),
  )
}
