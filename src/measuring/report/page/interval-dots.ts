/** @file A small panel of figures with their intervals, a row each. */

import * as Plot from '@observablehq/plot'
import type { Interval } from '../results.ts'
import { padded, plot } from './chart.ts'

export interface IntervalRow extends Interval {
  readonly name: string
  readonly colour: string
}

/** @param options.zero draws the line of no difference */
export function intervalDots(
  rows: readonly IntervalRow[],
  width: number,
  options: { label?: string; zero?: boolean; left?: number } = {},
): Element {
  const values = rows.flatMap(({ low, high }) => [low, high])
  const { left = Math.min(170, width * 0.4) } = options
  const ticks = Math.max(2, Math.min(6, (width - left) / 60))
  return plot({
    width,
    height: rows.length * 22 + (options.label === undefined ? 30 : 44),
    marginLeft: left,
    marginRight: 16,
    marginTop: 4,
    marginBottom: options.label === undefined ? 24 : 38,
    x: {
      domain: padded(options.zero === true ? [...values, 0] : values),
      label: options.label ?? null,
      labelAnchor: 'center',
      labelArrow: 'none',
      ticks,
    },
    y: { domain: rows.map(({ name }) => name), label: null, tickSize: 0 },
    marks: [
      Plot.gridX({ stroke: 'var(--rule)', strokeOpacity: 1, ticks }),
      ...(options.zero === true ? [Plot.ruleX([0], { stroke: 'var(--ink)', strokeOpacity: 0.7 })] : []),
      Plot.ruleY(rows, {
        x1: 'low',
        x2: 'high',
        y: 'name',
        stroke: 'colour',
        strokeWidth: 2.4,
        strokeOpacity: 0.55,
      }),
      Plot.dot(rows, { x: 'value', y: 'name', fill: 'colour', r: 4 }),
    ],
  })
}
