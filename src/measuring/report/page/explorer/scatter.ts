/**
 * @file A map of many marks on a canvas, with lines between them, zoom, and small pictures where
 * there is room. The canvas is 2-D: libraries for WebGL scatter plots compile code from text, which
 * the page's content security policy refuses, and 20,000 stamps take a few milliseconds.
 */

import { select } from 'd3-selection'
import { type D3ZoomEvent, type ZoomTransform, zoom, zoomIdentity } from 'd3-zoom'
import { h } from '../element.ts'
import { KINDS, type MarkKind, type Stamps, stamps } from './marks.ts'
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
/** From this zoom on pictures are drawn. */
const PICTURE_ZOOM = 1.8
const PICTURE = 34
const MOST_PICTURES = 150

export function scatter(options: ScatterOptions): Scatter {
  const canvas = h('canvas', { 'aria-hidden': 'true' })
  const tip = h('div', { class: 'tip' })
  tip.hidden = true
  const box = h('div', { class: 'scatter', role: 'application', tabindex: '0', 'aria-label': options.label })
  box.append(canvas, tip)
  let view: ScatterView = { marks: [], lines: [], chosenLines: [], chosen: undefined, faded: () => false }
  let at: ZoomTransform = zoomIdentity
  let side = 0
  let drawn: { stamps: Stamps; ink: Ink } | undefined
  let waiting = false

  const x = (mark: Mark) => at.applyX(MARGIN + mark.x * (side - 2 * MARGIN))
  const y = (mark: Mark) => at.applyY(MARGIN + (1 - mark.y) * (side - 2 * MARGIN))

  function redraw(): void {
    if (waiting) return
    waiting = true
    requestAnimationFrame(() => {
      waiting = false
      const pen = canvas.getContext('2d')
      if (pen === null || side === 0) return
      drawn ??= prepared(box, options.colour, view.marks.length, at.k)
      paint(pen, drawn)
    })
  }

  function paint(pen: CanvasRenderingContext2D, { stamps, ink }: { stamps: Stamps; ink: Ink }): void {
    const ratio = canvas.width / side
    pen.setTransform(ratio, 0, 0, ratio, 0, 0)
    pen.clearRect(0, 0, side, side)
    strokeLines(view.lines, 1, view.lines.length > 400 ? 0.25 : 0.5)
    const offset = stamps.side / 2
    const visible: number[] = []
    for (const kind of KINDS)
      for (const [index, mark] of view.marks.entries()) {
        if (mark.kind !== kind) continue
        const [left, top] = [x(mark), y(mark)]
        if (left < -offset || top < -offset || left > side + offset || top > side + offset) continue
        const faded = view.faded(index)
        if (!faded) visible.push(index)
        pen.globalAlpha = faded ? 0.12 : 0.85
        pen.drawImage(stamps.of[kind], left - offset, top - offset, stamps.side, stamps.side)
      }
    pen.globalAlpha = 1
    if (at.k >= PICTURE_ZOOM) drawPictures(visible)
    strokeLines(view.chosenLines, 2.2, 1)
    const ends = new Set(view.chosenLines.flatMap(({ from, to }) => [from, to]))
    if (view.chosen !== undefined) ends.add(view.chosen)
    pen.strokeStyle = ink.ink
    for (const end of ends) {
      const mark = view.marks[end]
      if (mark === undefined) continue
      pen.lineWidth = end === view.chosen ? 2.2 : 1.2
      pen.beginPath()
      pen.arc(x(mark), y(mark), end === view.chosen ? 9 : 7, 0, 2 * Math.PI)
      pen.stroke()
    }

    function strokeLines(lines: readonly Line[], width: number, alpha: number): void {
      pen.lineWidth = width
      pen.globalAlpha = alpha
      for (const kind of ['gold', 'nearest'] as const)
        for (const hit of [true, false]) {
          pen.beginPath()
          for (const line of lines) {
            if (line.kind !== kind || line.hit !== hit) continue
            const [from, to] = [view.marks[line.from]!, view.marks[line.to]!]
            pen.moveTo(x(from), y(from))
            pen.lineTo(x(to), y(to))
          }
          pen.setLineDash(kind === 'nearest' ? [4, 3] : [])
          pen.strokeStyle = hit ? ink.hit : kind === 'nearest' ? ink.miss : ink.ink
          pen.stroke()
        }
      pen.setLineDash([])
      pen.globalAlpha = 1
    }

    /** Pictures, or words deep in the map, each where none stands yet: the closer, the more. */
    function drawPictures(marks: readonly number[]): void {
      const taken = new Set<string>()
      let count = 0
      pen.font = '11px system-ui, sans-serif'
      pen.textAlign = 'center'
      for (const index of marks) {
        if (count === MOST_PICTURES) return
        const mark = view.marks[index]!
        const cell = [Math.floor(x(mark) / (PICTURE + 6)), Math.floor(y(mark) / (PICTURE + 6))] as const
        if (neighbours(cell).some((one) => taken.has(one))) continue
        const picture = options.picture(index, redraw)
        const words = picture === undefined && marks.length <= 40 ? options.words(index) : undefined
        if (picture === undefined && words === undefined) continue
        taken.add(cell.join())
        count++
        const [left, top] = [x(mark) - PICTURE / 2, y(mark) - PICTURE / 2]
        if (picture !== undefined) {
          pen.fillStyle = ink.paper
          pen.fillRect(left - 2, top - 2, PICTURE + 4, PICTURE + 4)
          pen.drawImage(picture, left, top, PICTURE, PICTURE)
          pen.strokeStyle = ink.of[mark.kind]
          pen.lineWidth = 2
          pen.setLineDash(mark.kind === 'miss' ? [4, 3] : [])
          pen.strokeRect(left - 1, top - 1, PICTURE + 2, PICTURE + 2)
          pen.setLineDash([])
        } else if (words !== undefined) {
          pen.lineWidth = 3
          pen.strokeStyle = ink.paper
          pen.fillStyle = ink.ink
          pen.strokeText(words, x(mark), top + PICTURE / 2 - 7)
          pen.fillText(words, x(mark), top + PICTURE / 2 - 7)
        }
      }
    }
  }

  const behaviour = zoom<HTMLCanvasElement, unknown>()
    .scaleExtent([1, MOST_ZOOM])
    .filter((event: Event) => meantForMap(event))
    .on('zoom', ({ transform }: D3ZoomEvent<HTMLCanvasElement, unknown>) => {
      // Marks grow a little with the zoom.
      if (Math.round(Math.log2(transform.k)) !== Math.round(Math.log2(at.k))) drawn = undefined
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
    const mark = view.marks[view.chosen ?? -1]
    const about = mark === undefined ? undefined : ([x(mark), y(mark)] as [number, number])
    surface.call(behaviour.scaleBy, factor, about)
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

  const places = () => view.marks.map((mark, index) => ({ index, left: x(mark), top: y(mark) }))
  const under = (event: MouseEvent) => {
    const bounds = canvas.getBoundingClientRect()
    return nearestTo(places(), event.clientX - bounds.left, event.clientY - bounds.top, NEAR)
  }
  canvas.addEventListener('click', (event) => {
    box.focus({ preventScroll: true })
    options.onChoose(under(event)?.index)
  })
  canvas.addEventListener('pointermove', (event) => {
    if (event.buttons === 0 && event.pointerType !== 'touch') point(under(event))
  })
  canvas.addEventListener('pointerleave', () => point(undefined))

  function point(place: { index: number; left: number; top: number } | undefined): void {
    tip.hidden = place === undefined
    canvas.style.cursor = place === undefined ? 'grab' : 'pointer'
    if (place === undefined) return
    tip.replaceChildren(...options.tip(place.index))
    tip.style.left = `${Math.max(0, Math.min(place.left + 14, side - tip.offsetWidth - 2))}px`
    tip.style.top = `${place.top > side / 2 ? place.top - tip.offsetHeight - 10 : place.top + 14}px`
  }

  box.addEventListener('keydown', (event) => {
    if (event.target !== box || event.ctrlKey || event.metaKey || event.altKey) return
    const factor = ZOOM_KEYS.get(event.key)
    if (factor !== undefined) zoomBy(factor)
    else if (event.key === '0') reset()
    else if (event.key === 'Escape') options.onChoose(undefined)
    else {
      const shown = places().filter(({ index }) => !view.faded(index))
      const from = shown.find(({ index }) => index === view.chosen)
      const next =
        event.key === 'Enter' && from !== undefined
          ? options.partner(from.index)
          : nextPlace(shown, from, event.key)?.index
      if (next === undefined) return
      options.onChoose(next)
    }
    event.preventDefault()
  })

  function bringIntoView(index: number): void {
    const mark = view.marks[index]
    if (mark === undefined) return
    const [left, top] = [x(mark), y(mark)]
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
    drawn = undefined
    reset()
    redraw()
  }).observe(box)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    drawn = undefined
    redraw()
  })

  return {
    element: box,
    show(next) {
      if (next.marks.length !== view.marks.length) drawn = undefined
      view = next
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

/** Colours as the page has them now. */
interface Ink {
  readonly of: Readonly<Record<MarkKind, string>>
  readonly hit: string
  readonly miss: string
  readonly ink: string
  readonly paper: string
}

/** The more marks, the smaller; the closer, the larger. */
function prepared(box: Element, query: string, marks: number, zoomed: number): { stamps: Stamps; ink: Ink } {
  // The browser resolves names and mixtures of colours; a canvas knows neither.
  const swatch = box.appendChild(h('i'))
  const probe = (colour: string) => {
    swatch.style.color = colour
    return getComputedStyle(swatch).color
  }
  const ink = {
    hit: probe('var(--hit)'),
    miss: probe('var(--miss)'),
    ink: probe('var(--ink)'),
    paper: probe('var(--paper)'),
  }
  const of = { hit: ink.hit, miss: ink.miss, query: probe(query), answer: probe('var(--answer)') }
  swatch.remove()
  const radius = Math.max(1.4, 4.2 - 0.8 * Math.log10(1 + marks / 50)) + 0.4 * Math.log2(zoomed)
  return { stamps: stamps(of, radius, devicePixelRatio), ink: { ...ink, of } }
}

function neighbours([column, row]: readonly [number, number]): string[] {
  return [-1, 0, 1].flatMap((dx) => [-1, 0, 1].map((dy) => `${column + dx},${row + dy}`))
}
