/** @file The numbers of a compared pair: a row a mean, a row a task. */

import type { ComparedPair, ComparisonReport } from '../../benchmark/comparison/report.ts'
import { metaTaskNames, percent, points, pointsRange } from '../format.ts'
import { h, scrolling } from './element.ts'
import { pValue } from './flips.ts'
import { sortable } from './sortable.ts'

/** A model's name in a comparison. */
export function labelOf({ models }: Pick<ComparisonReport, 'models'>, id: string): string {
  return models.find((model) => model.id === id)?.label ?? id
}

export function numbers(report: ComparisonReport, pair: ComparedPair): HTMLElement {
  const heads = [
    'Task',
    'Queries',
    `${labelOf(report, pair.reference)}, %`,
    `${labelOf(report, pair.model)}, %`,
    'Difference, points',
    'Detectable, points',
    'Gained',
    'Lost',
    'p',
    'p, adjusted',
  ]
  const cell = (
    value: number | null | undefined,
    text: (value: number) => string,
    strong = false,
    note?: string,
  ) =>
    value === null || value === undefined
      ? h('td', { class: 'absent' }, '–')
      : h(
          'td',
          { 'data-value': String(value), ...(strong ? { class: 'strong' } : {}) },
          text(value),
          note === undefined ? null : h('small', {}, note),
        )
  const count = (value: number) => value.toLocaleString('en')
  const figures = ({
    reference,
    model,
    difference,
    detectable,
    outcome,
  }: ComparedPair['means'][number] | ComparedPair['tasks'][number]) => [
    cell(reference, percent),
    cell(model, percent),
    cell(difference.value, points, outcome !== 'cannot-be-told', pointsRange(difference)),
    cell(detectable, percent),
  ]
  const tasks = pair.tasks.map((task) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row', 'data-value': task.task }, task.task),
      cell(task.queries, count),
      ...figures(task),
      cell(task.test?.gained, count),
      cell(task.test?.lost, count),
      cell(task.test?.p, pValue),
      cell(task.test?.adjusted, pValue, (task.test?.adjusted ?? 1) < 0.05),
    ),
  )
  const means = pair.means.map((mean) =>
    h(
      'tr',
      { class: 'mean' },
      h(
        'th',
        { scope: 'row', 'data-value': mean.label },
        metaTaskLabel(mean),
        h('small', {}, `mean of ${mean.tasks.length}`),
      ),
      h('td'),
      ...figures(mean),
      ...[0, 1, 2, 3].map(() => h('td')),
    ),
  )
  return h(
    'figure',
    {},
    scrolling(
      'Differences of every task',
      sortable(
        h(
          'table',
          {},
          h('thead', {}, h('tr', {}, ...heads.map((head) => h('th', { scope: 'col' }, head)))),
          h('tbody', {}, ...means, ...tasks),
        ),
      ),
    ),
    h(
      'figcaption',
      {},
      'The interval below a difference is 95 %; bold where it excludes zero. Detectable: a true difference ' +
        'below this is likely to be missed with so many queries. Gained and lost: queries on which ' +
        'the first model of the difference is better or worse. p: exact test of gained against lost; ' +
        'adjusted for all tasks and pairs (Holm). Press a head to sort.',
    ),
  )
}

function metaTaskLabel({ name, label }: ComparedPair['means'][number]): string {
  const known = Object.entries(metaTaskNames).find(([metaTask]) => metaTask === name)
  return known?.[1] ?? label
}
