/**
 * @file A map of many marks on a canvas: zoom, pointer, touch and keys. The canvas is 2-D:
 * libraries for WebGL scatter plots compile code from text, which the page's content security
 * policy refuses.
 */

import { select } from 'd3-selection'
import { type D3ZoomEvent, type ZoomTransform, zoom, zoomIdentity } from 'd3-zoom'
import { h } from '../element.ts'
import type { MarkKind } from './marks.ts'
import { type Ink, inkOf, type Places, paint } from './painting.ts'
import { nearestTo, nextPlace } from './places.ts'

export interface Mark {
  /** In [0, 1], from the left and from below. */
  readonly x: number
  readonly y: number
  readonly kind: MarkKind
}

/** From a query to its right answer (`gold`) or to the candidate that came first (`nearest`). */
export interface Line {
  /** Positions among the marks. */
  readonly from: number
  readonly to: number
  readonly kind: 'gold' | 'nearest'
  readonly hit: boolean
}

export interface ScatterView {
  readonly marks: readonly Mark[]
  /** Drawn thin, below the marks. */
  readonly lines: readonly Line[]
  /** Drawn bold, above the marks; their ends get rings. */
  readonly chosenLines: readonly Line[]
  /** Position of the chosen mark. */
  readonly chosen: number | undefined
  /** Whether a mark stands back behind the others. */
  readonly faded: (mark: number) => boolean
}

export interface ScatterOptions {
  /** Read out to those who do not see the map. */
  readonly label: string
  /** Colour of marks of the kind `query`. */
  readonly colour: string
  /** A decoded picture of a mark; `ready` is called when one that is asked for can be drawn. */
  readonly picture: (mark: number, ready: () => void) => CanvasImageSource | undefined
  /** A few words for a mark without a picture. */
  readonly words: (mark: number) => string | undefined
  /** Shown beside a mark that the pointer is at. */
  readonly tip: (mark: number) => HTMLElement[]
  /** A mark was pressed, or reached by keys; undefined: none any more. */
  readonly onChoose: (mark: number | undefined) => void
  /** The mark that Enter leads to from the chosen one. */
  readonly partner: (mark: number) => number | undefined
}

export interface Scatter {
  readonly element: HTMLElement
  show(view: ScatterView): void
}

const MARGIN = 16
const MOST_ZOOM = 80
/** Pixels from the pointer within which a mark is meant. */
const NEAR = 18
export function scatter(options: ScatterOptions): Scatter {
  const canvas = h('canvas', { 'aria-hidden': 'true' })
  const tip = h('div', { class: 'tip' })
  tip.hidden = true
  const box = h('div', { class: 'scatter', role: 'application', tabindex: '0', 'aria-label': options.label })
  box.append(canvas, tip)
  let view: ScatterView = { marks: [], lines: [], chosenLines: [], chosen: undefined, faded: () => false }
  let at: ZoomTransform = zoomIdentity
  let side = 0
  let ink: Ink | undefined
  let waiting = false

  /** Places of all marks; undefined after a change of the view or the zoom. */
  let known: Places | undefined

  function places(): Places {
    if (known !== undefined) return known
    const { marks } = view
    const [left, top] = [new Float64Array(marks.length), new Float64Array(marks.length)]
    for (let i = 0; i < marks.length; i++) {
      left[i] = at.applyX(MARGIN + marks[i]!.x * (side - 2 * MARGIN))
      top[i] = at.applyY(MARGIN + (1 - marks[i]!.y) * (side - 2 * MARGIN))
    }
    known = { left, top }
    return known
  }

  function redraw(): void {
    known = undefined
    if (waiting) return
    waiting = true
    requestAnimationFrame(() => {
      waiting = false
      // Marks are blended into the pixels, so that these are best kept where they can be read.
      const pen = canvas.getContext('2d', { willReadFrequently: true })
      if (pen === null || side === 0) return
      ink ??= inkOf(box, options.colour, view.marks.length, at.k)
      const { picture, words } = options
      paint(pen, { view, places: places(), ink, side, zoomed: at.k, picture, words }, redraw)
    })
  }

  const behaviour = zoom<HTMLCanvasElement, unknown>()
    .scaleExtent([1, MOST_ZOOM])
    .filter((event: Event) => meantForMap(event))
    .on('zoom', ({ transform }: D3ZoomEvent<HTMLCanvasElement, unknown>) => {
      // Marks grow a little with the zoom.
      if (Math.round(Math.log2(transform.k)) !== Math.round(Math.log2(at.k))) ink = undefined
      at = transform
      canvas.style.touchAction = at.k > 1 ? 'none' : 'pan-y'
      tip.hidden = true
      redraw()
    })
  const surface = select(canvas)
  surface.call(behaviour)

  /** A wheel or one finger scrolls the page, unless the reader is at work in the map. */
  function meantForMap(event: Event): boolean {
    if (event instanceof WheelEvent) return event.ctrlKey || box.contains(document.activeElement)
    if (event.type.startsWith('touch'))
      return at.k > 1 || (event instanceof TouchEvent && event.touches.length > 1)
    return !(event instanceof MouseEvent) || event.button === 0
  }

  /** About the chosen mark, which stays where it is; else about the middle. */
  function zoomBy(factor: number): void {
    const { left, top } = places()
    const { chosen } = view
    surface.call(behaviour.scaleBy, factor, chosen === undefined ? undefined : [left[chosen]!, top[chosen]!])
  }
  const reset = () => surface.call(behaviour.transform, zoomIdentity)
  const buttons = [
    ['+', 'Zoom in', () => zoomBy(2)],
    ['−', 'Zoom out', () => zoomBy(0.5)],
    ['⤢', 'Show the whole map', reset],
  ] as const
  const control = h('div', { class: 'zoom' })
  for (const [sign, label, act] of buttons) {
    const button = h('button', { type: 'button', 'aria-label': label, title: label }, sign)
    button.addEventListener('click', act)
    control.append(button)
  }
  box.append(control)

  const under = (event: MouseEvent) => {
    const bounds = canvas.getBoundingClientRect()
    return nearestTo(places(), [event.clientX - bounds.left, event.clientY - bounds.top], NEAR)
  }
  canvas.addEventListener('click', (event) => {
    box.focus({ preventScroll: true })
    options.onChoose(under(event))
  })
  canvas.addEventListener('pointermove', (event) => {
    if (event.buttons === 0 && event.pointerType !== 'touch') point(under(event))
  })
  canvas.addEventListener('pointerleave', () => point(undefined))

  function point(index: number | undefined): void {
    tip.hidden = index === undefined
    canvas.style.cursor = index === undefined ? 'grab' : 'pointer'
    if (index === undefined) return
    const [left, top] = [places().left[index]!, places().top[index]!]
    tip.replaceChildren(...options.tip(index))
    tip.style.left = `${Math.max(0, Math.min(left + 14, side - tip.offsetWidth - 2))}px`
    tip.style.top = `${top > side / 2 ? top - tip.offsetHeight - 10 : top + 14}px`
  }

  box.addEventListener('keydown', (event) => {
    if (event.target !== box || event.ctrlKey || event.metaKey || event.altKey) return
    const factor = ZOOM_KEYS.get(event.key)
    if (factor !== undefined) zoomBy(factor)
    else if (event.key === '0') reset()
    else if (event.key === 'Escape') options.onChoose(undefined)
    else {
      const next =
        event.key === 'Enter' && view.chosen !== undefined
          ? options.partner(view.chosen)
          : nextPlace(places(), view.chosen, event.key, (index) => !view.faded(index))
      if (next === undefined) return
      options.onChoose(next)
    }
    event.preventDefault()
  })

  function bringIntoView(index: number): void {
    const [left, top] = [places().left[index], places().top[index]]
    if (left === undefined || top === undefined) return
    if (left >= 0 && top >= 0 && left <= side && top <= side) return
    const [baseX, baseY] = at.invert([left, top])
    surface.call(behaviour.translateTo, baseX, baseY)
  }

  new ResizeObserver(([entry]) => {
    const width = Math.floor(entry?.contentRect.width ?? 0)
    if (width === 0 || width === side) return
    side = width
    canvas.width = canvas.height = Math.round(width * devicePixelRatio)
    canvas.style.width = canvas.style.height = `${width}px`
    behaviour.extent([
      [0, 0],
      [width, width],
    ])
    behaviour.translateExtent([
      [0, 0],
      [width, width],
    ])
    ink = undefined
    reset()
    redraw()
  }).observe(box)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    ink = undefined
    redraw()
  })

  return {
    element: box,
    show(next) {
      if (next.marks.length !== view.marks.length) ink = undefined
      view = next
      known = undefined
      tip.hidden = true
      if (view.chosen !== undefined) bringIntoView(view.chosen)
      redraw()
    },
  }
}

const ZOOM_KEYS: ReadonlyMap<string, number> = new Map([
  ['+', 2],
  ['=', 2],
  ['-', 0.5],
])
