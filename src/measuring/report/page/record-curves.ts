/** @file Curves of a tuning over its updates: the dev score, and what each update reports. */

import * as Plot from '@observablehq/plot'
import type { TuningRecord } from '../../../learning/tuning/job/record-form.ts'
import { canvas, figure, key, padded, plot } from './chart.ts'
import { h, section } from './element.ts'

/** A point of a curve. */
interface Point {
  readonly update: number
  readonly value: number
}

/** Points of a curve that are drawn, at most: more would make the page large and look the same. */
const MOST_POINTS = 400
const HEIGHT = 190
const TRAIN = 'var(--ar)'
const DEV = 'var(--diffusion)'

export function curves(record: TuningRecord): HTMLElement | null {
  const { curve, evaluations, best } = record
  if (curve.length < 2 && evaluations.length < 2) return null
  const of = (value: (line: TuningRecord['curve'][number]) => number | undefined) =>
    curve.flatMap((line): Point[] => {
      const found = value(line)
      return found === undefined ? [] : [{ update: line.update, value: found }]
    })
  const dev = (value: (one: TuningRecord['evaluations'][number]) => number) =>
    evaluations.map((one): Point => ({ update: one.update, value: value(one) }))
  const temperatures = of(({ temperature }) => temperature)
  const charts: (HTMLElement | null)[] = [
    chart(
      'hit@1 on dev pairs, %',
      'Each dev query among all dev targets. Targets that are equally near share a place.',
      {
        dev: dev(({ hit1 }) => 100 * hit1),
        best: best.update,
      },
    ),
    chart(
      'Loss, nats',
      'Lower is better. A dev loss that rises while the training loss falls is overfitting.',
      {
        train: of(({ loss }) => loss),
        dev: dev(({ loss }) => loss),
        best: best.update,
      },
    ),
    chart(
      'In-batch accuracy, %',
      'Share of the queries of a batch whose own target is the nearest candidate.',
      {
        train: of(({ accuracy }) => accuracy && 100 * accuracy),
      },
    ),
    chart('Gradient norm', 'Before clipping. A peak marks an update that is worth a look.', {
      train: of(({ gradientNorm }) => gradientNorm),
    }),
    chart('Learning rate', 'Of the first group of parameters.', {
      train: of(({ learningRate }) => learningRate),
      smooth: false,
    }),
    varies(temperatures)
      ? chart('Temperature', 'Cosines are divided by it.', { train: temperatures, smooth: false })
      : null,
  ]
  return section(
    'curves',
    'How it learned',
    key([
      ...(curve.length > 1 ? [{ label: 'training batches', colour: TRAIN }] : []),
      ...(evaluations.length > 0
        ? [
            { label: 'dev pairs', colour: DEV },
            { label: 'values that were written', colour: 'var(--ink)', shape: 'ring' as const },
          ]
        : []),
    ]),
    h('div', { class: 'grid wide' }, ...charts),
  )
}

function varies(points: readonly Point[]): boolean {
  return points.some(({ value }) => value !== points[0]?.value)
}

interface Curve {
  train?: readonly Point[]
  dev?: readonly Point[]
  /** The update that is marked on the dev curve. */
  best?: number
  /** Whether a running mean is drawn over the values; default true. */
  smooth?: boolean
}

function chart(
  title: string,
  reading: string,
  { train = [], dev = [], best, smooth = true }: Curve,
): HTMLElement | null {
  if (train.length < 2 && dev.length < 2) return null
  const running = smoothed(train)
  const raw = thinned(train, running)
  const mean = smooth ? thinned(running, running) : raw
  const marked = dev.filter(({ update }) => update === best)
  const all = [...raw, ...mean, ...dev].map(({ value }) => value)
  return figure(
    title,
    reading,
    canvas(`${title} by update, ${describe(train, dev)}`, (width) =>
      plot({
        width,
        height: HEIGHT,
        marginLeft: 52,
        marginRight: 14,
        marginTop: 12,
        marginBottom: 36,
        x: {
          domain: [0, Math.max(...[...raw, ...dev].map(({ update }) => update))],
          label: 'update',
          labelAnchor: 'center',
          labelArrow: 'none',
          ticks: Math.min(6, width / 80),
          tickSize: 0,
        },
        y: { domain: padded(all), label: null, ticks: 4, tickSize: 0, ...tickFormat(all) },
        marks: [
          Plot.gridY({ stroke: 'var(--rule)', strokeOpacity: 1, ticks: 4 }),
          smooth ? Plot.line(raw, { ...axes, stroke: TRAIN, strokeWidth: 1, strokeOpacity: 0.3 }) : null,
          Plot.line(mean, { ...axes, stroke: TRAIN, strokeWidth: 1.6 }),
          Plot.line(dev, { ...axes, stroke: DEV, strokeWidth: 1.6 }),
          Plot.dot(dev, { ...axes, fill: DEV, r: 2.5 }),
          Plot.dot(marked, { ...axes, stroke: 'var(--ink)', strokeWidth: 1.5, r: 6 }),
          Plot.tip(
            [...mean, ...dev],
            Plot.pointerX({
              ...axes,
              title: ({ update, value }: Point) => `update ${update}\n${short(value)}`,
              fill: 'var(--paper)',
              stroke: 'var(--control)',
            }),
          ),
        ],
      }),
    ),
  )
}

const axes = { x: 'update', y: 'value' } as const

/** First and last values, for readers who do not see the chart. */
function describe(train: readonly Point[], dev: readonly Point[]): string {
  const ends = (points: readonly Point[], name: string) => {
    const [first, last] = [points[0], points.at(-1)]
    return first === undefined || last === undefined
      ? []
      : [`${name} from ${short(first.value)} to ${short(last.value)}`]
  }
  return [...ends(train, 'training'), ...ends(dev, 'dev')].join(', ')
}

/** Three digits; small values as powers of ten. */
function short(value: number): string {
  return value !== 0 && Math.abs(value) < 0.001
    ? value.toExponential(1)
    : String(Number(value.toPrecision(4)))
}

/** Learning rates are small: powers of ten are shorter than zeros. */
function tickFormat(values: readonly number[]): { tickFormat?: (value: number) => string } {
  return Math.max(...values.map(Math.abs)) < 0.001 ? { tickFormat: short } : {}
}

/**
 * One point for each stretch of updates, so that at most `MOST_POINTS` are left: the one furthest
 * from the running mean, so that peaks stay.
 * @param mean at each point
 */
function thinned(points: readonly Point[], mean: readonly Point[]): Point[] {
  const size = Math.ceil(points.length / MOST_POINTS)
  const distance = (i: number) => Math.abs(points[i]!.value - mean[i]!.value)
  const left: Point[] = []
  for (let start = 0; start < points.length; start += size) {
    let far = start
    for (let i = start; i < Math.min(start + size, points.length); i++)
      if (distance(i) > distance(far)) far = i
    left.push(points[far]!)
  }
  return left
}

/** Means over a twentieth of the updates around each; at the ends over those that there are. */
function smoothed(points: readonly Point[]): Point[] {
  const reach = Math.max(1, Math.round(points.length / 40))
  const sums = [0]
  for (const { value } of points) sums.push(sums.at(-1)! + value)
  return points.map(({ update }, i) => {
    // As many on both sides, so that a slope is not shifted.
    const side = Math.min(reach, i, points.length - 1 - i)
    return { update, value: (sums[i + side + 1]! - sums[i - side]!) / (2 * side + 1) }
  })
}
