/** @file The flips of a compared pair, with their pictures. */

import type { ComparedFlip, ComparedPair, ComparisonReport } from '../../benchmark/comparison/report.ts'
import { labelOf } from './comparison-table.ts'
import { h, more } from './element.ts'

/** Cards of a kind of flip before a click. */
const SHOWN = 4

export function flipColumn(
  report: ComparisonReport,
  pair: ComparedPair,
  kind: 'gained' | 'lost',
): HTMLElement {
  const total = pair.flips.reduce(
    (sum, { gainedCount, lostCount }) => sum + (kind === 'gained' ? gainedCount : lostCount),
    0,
  )
  const cards = pair.flips.flatMap((flips) =>
    flips[kind].map((flip) => flipCard(report, pair, flips.task, flip)),
  )
  return h(
    'div',
    {},
    h(
      'h3',
      {},
      `${kind === 'gained' ? 'Gained' : 'Lost'} by ${labelOf(report, pair.model)}: ${total.toLocaleString('en')}`,
    ),
    ...cards.slice(0, SHOWN),
    cards.length > SHOWN ? more(`${cards.length - SHOWN} more`, ...cards.slice(SHOWN)) : null,
  )
}

function flipCard(
  report: ComparisonReport,
  { reference, model }: ComparedPair,
  task: string,
  flip: ComparedFlip,
): HTMLElement {
  const shown = (one: ComparedFlip['query'] | null, kind: string, title: string) => {
    if (one === null) return null
    const picture = one.picture === undefined ? undefined : report.pictures[one.picture]
    return h(
      'div',
      { class: `example ${kind}` },
      picture === undefined
        ? null
        : h('img', { src: picture, alt: one.text ?? title, width: '64', height: '64', loading: 'lazy' }),
      h('div', {}, h('small', {}, title), one.text === undefined ? null : h('span', {}, one.text)),
    )
  }
  /** A model that put the right answer first needs no line of its own. */
  const wrong = (one: ComparedFlip['query'] | null, id: string) =>
    JSON.stringify(one) === JSON.stringify(flip.gold)
      ? null
      : shown(one, 'got', `${labelOf(report, id)} put first`)
  return h(
    'article',
    { class: 'failure' },
    h('div', { class: 'failure-head' }, h('span', {}, task), h('small', {}, flip.id)),
    shown(flip.query, 'query', 'Query'),
    h(
      'div',
      { class: 'answers' },
      shown(flip.gold, 'expected', 'Right answer'),
      wrong(flip.reference, reference),
      wrong(flip.model, model),
    ),
  )
}
