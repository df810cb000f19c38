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
      'Filled: images; hollow: texts. In an aligned space each image lies on its own text. Point at a mark to see the picture and a line to its partner. A map keeps neighbours, not distances: read clusters and mixing, not gaps; the measures above are taken in the full space.',
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
    const show = (event: PointerEvent) => {
      const box = chart.getBoundingClientRect()
      const distance = (place: { left: number; top: number }) =>
        Math.hypot(place.left - (event.clientX - box.left), place.top - (event.clientY - box.top))
      const nearest = places.reduce((best, place) => (distance(place) < distance(best) ? place : best))
      if (distance(nearest) > NEAR) return hide()
      const partner = partners.get(`${nearest.point.kind === 'image' ? 'text' : 'image'} ${nearest.point.id}`)
      const end = partner === undefined ? nearest : at(partner)
      link.setAttribute('d', `M${nearest.left},${nearest.top}L${end.left},${end.top}`)
      tip.replaceChildren(...tipContent(results, nearest.point, partner))
      tip.hidden = false
      tip.style.left = `${Math.max(0, Math.min(nearest.left + 14, size - 190))}px`
      tip.style.top = `${nearest.top > size / 2 ? nearest.top - tip.offsetHeight - 8 : nearest.top + 14}px`
    }
    const hide = () => {
      link.removeAttribute('d')
      tip.hidden = true
    }
    const listen = { pointermove: show, pointerdown: show } as const
    for (const [name, listener] of Object.entries(listen))
      chart.addEventListener(name, (event) => event instanceof PointerEvent && listener(event))
    chart.addEventListener('pointerleave', hide)
    return chart
  })
  return h('div', { class: 'panel map' }, title, h('div', { class: 'map-box' }, drawn, tip))
}

function tipContent(results: Results, point: MapPoint, partner: MapPoint | undefined): HTMLElement[] {
  const index = point.thumbnail ?? partner?.thumbnail
  const picture = index === undefined ? undefined : results.thumbnails[index]
  return [
    ...(picture === undefined ? [] : [h('img', { src: picture, alt: '', width: '64', height: '64' })]),
    h('span', {}, h('small', {}, point.kind), point.label),
  ]
}
