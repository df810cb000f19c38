/**
 * @file A small panel of one quantity before and after tuning: the shape that tuning and alignment
 * share.
 */

import * as Plot from '@observablehq/plot'
import type { Interval } from '../results.ts'
import { padded, plot, separate } from './chart.ts'

/** One model's change; either end may be missing. */
export interface Slope {
  label: string
  colour: string
  before: Interval | undefined
  after: Interval | undefined
}

const HEIGHT = 190
const MARGIN = { top: 10, right: 92, bottom: 24, left: 44 }

/** Lines from untuned to tuned with their intervals, the label at the right end. */
export function slopePlot(
  slopes: Slope[],
  width: number,
  options: { domain?: [number, number]; ticks?: string } = {},
): Element {
  const ends = slopes.flatMap(({ before, after, colour }, lane) => [
    ...(before === undefined ? [] : [{ ...before, colour, state: 'untuned', lane }]),
    ...(after === undefined ? [] : [{ ...after, colour, state: 'tuned', lane }]),
  ])
  const domain = options.domain ?? padded(ends.flatMap(({ low, high }) => [low, high]))
  const toPixels = (value: number) =>
    (HEIGHT - MARGIN.top - MARGIN.bottom) * (1 - (value - domain[0]) / (domain[1] - domain[0]))
  const labels = slopes.flatMap(({ label, colour, before, after }) => {
    const end = after ?? before
    return end === undefined
      ? []
      : [{ label, colour, value: end.value, state: after === undefined ? 'untuned' : 'tuned' }]
  })
  const shifts = separate(
    labels.map(({ value }) => toPixels(value)),
    14,
  )
  // Lanes lie a few pixels apart, so that equal intervals do not hide each other.
  const shift = (lane: number) => 4 * (lane - (slopes.length - 1) / 2)
  return plot({
    width,
    height: HEIGHT,
    marginTop: MARGIN.top,
    marginRight: MARGIN.right,
    marginBottom: MARGIN.bottom,
    marginLeft: MARGIN.left,
    x: { type: 'point', domain: ['untuned', 'tuned'], label: null, padding: 0.25, tickSize: 0 },
    y: { domain, label: null, ticks: 4, tickSize: 0, tickFormat: options.ticks },
    marks: [
      Plot.gridY({ stroke: 'var(--rule)', strokeOpacity: 1, ticks: 4 }),
      ...slopes.flatMap(({ before, after, colour }, lane) => {
        const here = ends.filter((end) => end.lane === lane)
        const dx = shift(lane)
        const link = before && after ? [{ from: before.value, to: after.value }] : []
        return [
          Plot.link(link, {
            x1: () => 'untuned',
            x2: () => 'tuned',
            y1: 'from',
            y2: 'to',
            stroke: colour,
            strokeWidth: 1.6,
            dx,
          }),
          Plot.ruleX(here, {
            x: 'state',
            y1: 'low',
            y2: 'high',
            stroke: colour,
            strokeWidth: 2,
            strokeOpacity: 0.5,
            dx,
          }),
          Plot.dot(here, {
            x: 'state',
            y: 'value',
            stroke: colour,
            fill: (end: { state: string }) => (end.state === 'tuned' ? colour : 'var(--paper)'),
            r: 4,
            strokeWidth: 1.8,
            dx,
          }),
        ]
      }),
      ...labels.map((label, index) =>
        Plot.text([label], {
          x: 'state',
          y: 'value',
          text: 'label',
          fill: 'colour',
          textAnchor: 'start',
          dx: 9 + shift(slopes.length - 1),
          dy: shifts[index]!,
        }),
      ),
    ],
  })
}
