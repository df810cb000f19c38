/** @file The scores of every model on every task. */

import type { Measured } from '../results.ts'
import { downloads } from './download.ts'
import { h, section } from './element.ts'
import { scoreTable } from './score-table.ts'
import { taskPlot } from './task-plot.ts'

export function scores(results: Measured): HTMLElement {
  return section(
    'scores',
    'Scores',
    h(
      'p',
      {},
      'hit@1: the share of queries whose right answer is the nearest candidate. Intervals are 95 %, ' +
        'bootstrapped over clusters of queries.',
    ),
    taskPlot(results),
    scoreTable(results),
    downloads(results),
  )
}
