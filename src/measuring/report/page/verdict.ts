/** @file The verdict: a sentence, and the paired difference that it rests on, drawn. */

import { modelName, points, pointsRange } from '../format.ts'
import { excludesZero, headlinePair } from '../lookup.ts'
import type { Results, ResultsModel } from '../results.ts'
import { colourOf } from './colour.ts'
import { type Child, h } from './element.ts'

/** One side of the difference. */
export interface End {
  readonly label: string
  readonly colour: string
}

/**
 * @param ends     the sides of the difference `a` − `b`; absent where it is no difference of two
 * @param headline an answer that rests on more than this run, and stands before its own
 */
export function verdict(
  { sentence, quantity, interval, otherSeeds, caveats }: Results['finding'],
  ends: { readonly a: End; readonly b: End } | undefined,
  headline?: string,
): HTMLElement {
  const drawn = [interval, ...otherSeeds.map((other) => other.interval)]
  const extent = 1.15 * Math.max(0.01, ...drawn.flatMap(({ low, high }) => [Math.abs(low), Math.abs(high)]))
  const at = (value: number) => `${(50 + (50 * value) / extent).toFixed(2)}%`
  const width = `${((50 * (interval.high - interval.low)) / extent).toFixed(2)}%`
  const winner = interval.value >= 0 ? ends?.a : ends?.b
  const colour = winner === undefined || !excludesZero(interval) ? 'var(--control)' : winner.colour
  const words: Child[] =
    ends === undefined
      ? []
      : [
          h('span', {}, `← ${ends.b.label} better`),
          h('span', {}, '0'),
          h('span', {}, `${ends.a.label} better →`),
        ]
  return h(
    'div',
    { class: 'finding' },
    h('p', { class: 'sentence' }, headline ?? sentence),
    headline === undefined ? null : h('p', { class: 'own' }, sentence),
    h(
      'div',
      { class: 'evidence', style: `--colour: ${colour}` },
      h(
        'div',
        {
          class: 'strip',
          role: 'img',
          'aria-label': `${quantity}: ${points(interval.value)} points, 95 % interval ${pointsRange(interval)}`,
        },
        h('i', { class: 'zero' }),
        h('i', { class: 'bar', style: `left: ${at(interval.low)}; width: ${width}` }),
        h('i', { class: 'estimate', style: `left: ${at(interval.value)}` }),
        ...otherSeeds.map(({ seed, interval: { value } }) =>
          h('i', {
            class: 'other',
            style: `left: ${at(value)}`,
            title: `seed ${seed}: ${points(value)} points`,
          }),
        ),
      ),
      h('div', { class: 'ends', 'aria-hidden': 'true' }, ...words),
      h(
        'p',
        { class: 'quantity' },
        h('b', {}, `${points(interval.value)} points`),
        ` (95 % interval ${pointsRange(interval)}): ${quantity}.`,
        otherSeeds.length === 0 ? null : ' Rings: runs with other seeds.',
      ),
    ),
    ...caveats.map((caveat) => h('p', { class: 'caveat' }, caveat)),
  )
}

/** The sides of a study's headline. */
export function endsOf(results: Pick<Results, 'models' | 'differences'>): { a: End; b: End } | undefined {
  const pair = headlinePair(results)
  if (pair === undefined) return undefined
  const end = (model: ResultsModel): End => ({
    label: pair.a.label === pair.b.label ? modelName(results, model.id) : model.label,
    colour: colourOf(results, model),
  })
  return { a: end(pair.a), b: end(pair.b) }
}
