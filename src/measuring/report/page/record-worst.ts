/** @file The dev pairs whose own target is found latest, with their pictures. */

import type { TuningRecord } from '../../../learning/tuning/job/record-form.ts'
import { type Child, h, more, section } from './element.ts'

type Worst = TuningRecord['worst'][number]

/** How many are shown before a click. */
const SHOWN = 8

export function worstPairs(record: TuningRecord): HTMLElement | null {
  const { worst } = record
  if (worst.length === 0) return null
  const cards = worst.map((pair) => card(record, pair))
  return section(
    'worst',
    'Worst dev pairs',
    h(
      'p',
      {},
      'Dev queries whose own target comes latest among all dev targets, by cosine. They show what ' +
        'the tuned model confuses, and pairs of the data that are wrong themselves.',
    ),
    h('div', { class: 'columns' }, ...cards.slice(0, SHOWN)),
    cards.length > SHOWN
      ? more(`${cards.length - SHOWN} more`, h('div', { class: 'columns' }, ...cards.slice(SHOWN)))
      : null,
  )
}

function card(
  record: TuningRecord,
  { source, row, query, target, found, rank, own, other }: Worst,
): HTMLElement {
  return h(
    'article',
    { class: 'failure' },
    h(
      'div',
      { class: 'failure-head' },
      h('span', {}, `${source}, pair ${row + 1}`),
      h('small', {}, `own target at place ${rank}`),
    ),
    shown(record, 'Query', 'query', query),
    h(
      'div',
      { class: 'answers' },
      shown(record, `Own target, cosine ${own.toFixed(2)}`, 'expected', target),
      found === undefined
        ? h(
            'div',
            { class: 'example' },
            h('div', {}, h('small', {}, `Best other target, cosine ${other.toFixed(2)}`)),
          )
        : shown(record, `Came first, cosine ${other.toFixed(2)}`, 'got', found),
    ),
  )
}

function shown(
  { thumbnails }: TuningRecord,
  title: string,
  kind: 'query' | 'expected' | 'got',
  { instruction, text, images = [] }: Worst['query'],
): HTMLElement {
  const pictures = images.flatMap((index): Child[] => {
    const src = thumbnails[index]
    return src === undefined
      ? []
      : [h('img', { src, alt: text ?? `${title} picture`, width: '64', height: '64' })]
  })
  return h(
    'div',
    { class: `example ${kind}` },
    ...pictures,
    h(
      'div',
      {},
      h('small', {}, title),
      text === undefined ? null : h('span', { class: 'words' }, text),
      instruction === undefined ? null : h('small', { class: 'words' }, instruction),
    ),
  )
}
