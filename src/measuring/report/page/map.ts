/**
 * @file The 2-D map of image and text vectors, before and after; pointing at a vector shows its
 * picture and its partner.
 */

import * as Plot from '@observablehq/plot'
import type { MapPoint, Results, ResultsModel } from '../results.ts'
import { canvas, figure, key, padded, plot } from './chart.ts'
import { colourOf } from './colour.ts'
import { h, section } from './element.ts'

const NEAR = 24

export function map(results: Results): HTMLElement | null {
  if (results.maps.length === 0) return null
  const panels = results.maps.flatMap(({ model, points }) => {
    const found = results.models.find((one) => one.id === model)
    return found === undefined || points.length === 0 ? [] : [panel(results, found, points)]
  })
  return section(
    'map',
    'Where images and texts lie',
    figure(
      'A 2-D map of the test pairs',
      'Filled: images; hollow: texts. In an aligned space each image lies on its own text. Point at a ' +
        'mark, touch it, or go there with the arrow keys, to see the picture and a line to its partner ' +
        '(Enter goes to it). A map keeps neighbours, not distances: read clusters and mixing, not gaps; ' +
        'the measures above are taken in the full space.',
      key([
        { label: 'image', colour: 'var(--ink)' },
        { label: 'text', colour: 'var(--ink)', shape: 'ring' },
      ]),
      h('div', { class: 'grid maps' }, ...panels),
    ),
  )
}

function panel(results: Results, model: ResultsModel, points: MapPoint[]): HTMLElement {
  const colour = colourOf(results, model)
  const tip = h('div', { class: 'tip', role: 'status' })
  tip.hidden = true
  const state = h(
    'small',
    {},
    model.state === 'tuned' ? 'after tuning' : model.state === 'untuned' ? 'before tuning' : '',
  )
  const title = h('div', { class: 'panel-title', style: `color: ${colour}` }, model.label, state)
  const partners = new Map(points.map((point) => [`${point.kind} ${point.id}`, point]))
  const drawn = canvas(`Map of ${points.length} image and text vectors of ${model.label}`, (width) => {
    const size = width
    const x = padded(points.map((point) => point.x))
    const y = padded(points.map((point) => point.y))
    const at = (point: MapPoint) => ({
      left: (size * (point.x - x[0])) / (x[1] - x[0]),
      top: size * (1 - (point.y - y[0]) / (y[1] - y[0])),
    })
    const of = (kind: MapPoint['kind']) => points.filter((point) => point.kind === kind)
    const chart = plot({
      width: size,
      height: size,
      margin: 0,
      x: { domain: x, axis: null },
      y: { domain: y, axis: null },
      marks: [
        Plot.dot(of('text'), { x: 'x', y: 'y', r: 3, stroke: colour, strokeWidth: 1.2, strokeOpacity: 0.85 }),
        Plot.dot(of('image'), { x: 'x', y: 'y', r: 3, fill: colour, fillOpacity: 0.8 }),
      ],
    })
    const link = document.createElementNS('http://www.w3.org/2000/svg', 'path')
    link.setAttribute('class', 'partner')
    chart.append(link)
    const places = points.map((point) => ({ point, ...at(point) }))
    let chosen: (typeof places)[number] | undefined
    const choose = (place: (typeof places)[number]) => {
      chosen = place
      const partner = partners.get(`${place.point.kind === 'image' ? 'text' : 'image'} ${place.point.id}`)
      const end = partner === undefined ? place : at(partner)
      link.setAttribute('d', `M${place.left},${place.top}L${end.left},${end.top}`)
      tip.replaceChildren(...tipContent(results, place.point, partner))
      tip.hidden = false
      tip.style.left = `${Math.max(0, Math.min(place.left + 14, size - 190))}px`
      tip.style.top = `${place.top > size / 2 ? place.top - tip.offsetHeight - 8 : place.top + 14}px`
    }
    const hide = () => {
      chosen = undefined
      link.removeAttribute('d')
      tip.hidden = true
    }
    const point = ({ clientX, clientY }: PointerEvent) => {
      const box = chart.getBoundingClientRect()
      const [left, top] = [clientX - box.left, clientY - box.top]
      const nearest = nearestTo(places, left, top)
      if (nearest === undefined || Math.hypot(nearest.left - left, nearest.top - top) > NEAR) hide()
      else choose(nearest)
    }
    for (const name of ['pointermove', 'pointerdown'])
      chart.addEventListener(name, (event) => event instanceof PointerEvent && point(event))
    // A finger that is lifted leaves too: its mark stays until another place is touched.
    chart.addEventListener('pointerleave', (event) => {
      if (event instanceof PointerEvent && event.pointerType !== 'touch') hide()
    })
    // `onkeydown`: the chart is drawn anew at each width, its box is not.
    drawn.onkeydown = (event) => {
      const next = nextPlace(places, chosen, event.key)
      if (event.key === 'Escape') hide()
      else if (next === undefined) return
      else choose(next)
      event.preventDefault()
    }
    return chart
  })
  // Keys do something here, which an image would not take.
  drawn.setAttribute('role', 'application')
  drawn.tabIndex = 0
  return h('div', { class: 'panel map' }, title, h('div', { class: 'map-box' }, drawn, tip))
}

interface Place {
  readonly point: MapPoint
  /** Pixels in the chart. */
  readonly left: number
  readonly top: number
}

function nearestTo<P extends Place>(places: readonly P[], left: number, top: number): P | undefined {
  const distance = (place: P) => Math.hypot(place.left - left, place.top - top)
  return places.reduce<P | undefined>(
    (best, place) => (best === undefined || distance(place) < distance(best) ? place : best),
    undefined,
  )
}

/**
 * The place that a key leads to: an arrow to the nearest mark on that side, Enter and the space bar
 * to the partner; the first key to the mark that is furthest left.
 */
function nextPlace<P extends Place>(places: readonly P[], from: P | undefined, key: string): P | undefined {
  const side = SIDES.get(key)
  if (side === undefined && key !== 'Enter' && key !== ' ') return undefined
  if (from === undefined) return places.toSorted((a, b) => a.left - b.left)[0]
  if (side === undefined)
    return places.find(({ point }) => point.id === from.point.id && point !== from.point)
  const ahead = places.filter((place) => {
    const [x, y] = [place.left - from.left, place.top - from.top]
    // Within 45° of the arrow.
    return x * side[0] + y * side[1] > Math.abs(x * side[1] - y * side[0])
  })
  return nearestTo(ahead, from.left, from.top)
}

const SIDES: ReadonlyMap<string, readonly [x: number, y: number]> = new Map([
  ['ArrowLeft', [-1, 0]],
  ['ArrowRight', [1, 0]],
  ['ArrowUp', [0, -1]],
  ['ArrowDown', [0, 1]],
])

function tipContent(results: Results, point: MapPoint, partner: MapPoint | undefined): HTMLElement[] {
  const index = point.thumbnail ?? partner?.thumbnail
  const picture = index === undefined ? undefined : results.thumbnails[index]
  return [
    ...(picture === undefined ? [] : [h('img', { src: picture, alt: '', width: '64', height: '64' })]),
    h('span', {}, h('small', {}, point.kind), point.label),
  ]
}
