/**
 * @file The worst failures: queries whose winner beat the right answer by most, with their
 * pictures.
 */

import { modelName } from '../format.ts'
import type { Failure, Results, ResultsModel } from '../results.ts'
import { colourOf } from './colour.ts'
import { h, more, section } from './element.ts'

/** How many are shown before a click. */
const SHOWN = 4

export function failures(results: Results): HTMLElement | null {
  if (results.failures.length === 0) return null
  const models = results.models.filter((model) =>
    results.failures.some((failure) => failure.model === model.id),
  )
  return section(
    'failures',
    'The worst failures',
    h(
      'p',
      {},
      'Queries where a wrong candidate came out furthest ahead of the right one, by cosine. They ' +
        'show what a model confuses.',
    ),
    h('div', { class: 'columns' }, ...models.map((model) => column(results, model))),
  )
}

function column(results: Results, model: ResultsModel): HTMLElement {
  const worst = results.failures
    .filter((failure) => failure.model === model.id)
    .toSorted((a, b) => b.scoreGap - a.scoreGap)
  const cards = worst.map((failure) => card(results, failure))
  return h(
    'div',
    {},
    h('h3', { style: `color: ${colourOf(results, model)}` }, modelName(results, model.id)),
    ...cards.slice(0, SHOWN),
    cards.length > SHOWN ? more(`${cards.length - SHOWN} more`, ...cards.slice(SHOWN)) : null,
  )
}

function card(results: Results, { task, query, expected, got, scoreGap }: Failure): HTMLElement {
  return h(
    'article',
    { class: 'failure' },
    h(
      'div',
      { class: 'failure-head' },
      h('span', {}, task),
      h('small', {}, `wrong by ${scoreGap.toFixed(2)} in cosine`),
    ),
    example(results, 'Query', 'query', query),
    h(
      'div',
      { class: 'answers' },
      example(results, 'Right answer', 'expected', expected),
      example(results, 'Model chose', 'got', got),
    ),
  )
}

function example(
  results: Results,
  title: string,
  kind: 'query' | 'expected' | 'got',
  { text, thumbnail }: Failure['query'],
): HTMLElement {
  const picture = thumbnail === undefined ? undefined : results.thumbnails[thumbnail]
  return h(
    'div',
    { class: `example ${kind}` },
    picture === undefined
      ? null
      : h('img', { src: picture, alt: text ?? `${title} picture`, width: '64', height: '64' }),
    h('div', {}, h('small', {}, title), text === undefined ? null : h('span', {}, text)),
  )
}
