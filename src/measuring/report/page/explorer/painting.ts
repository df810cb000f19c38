/**
 * @file Draws a map: lines, marks, small pictures where there is room, and the chosen row on top.
 */

import { h } from '../element.ts'
import { KINDS, type MarkKind, type Stamps, stamp, stamps } from './marks.ts'
import type { Line, ScatterOptions, ScatterView } from './scatter.ts'

/** From this zoom on pictures are drawn. */
const PICTURE_ZOOM = 1.8
const PICTURE = 34
/** Pixels from the centre of a picture to the nearest one that may stand beside it. */
const CELL = PICTURE + 6
const MOST_PICTURES = 150
/** So few marks in sight are named where they have no picture. */
const NAMED = 40

/** Colours as the page has them now, and marks in these colours. */
export interface Ink {
  readonly of: Readonly<Record<MarkKind, string>>
  readonly hit: string
  readonly miss: string
  readonly ink: string
  readonly paper: string
  readonly stamps: Stamps
}

/**
 * The more marks, the smaller; the closer, the larger.
 * @param box has the page's colours
 * @param query colour of marks of this kind
 */
export function inkOf(box: Element, query: string, marks: number, zoomed: number): Ink {
  // The browser resolves names and mixtures of colours; a canvas knows neither.
  const swatch = box.appendChild(h('i'))
  const resolved = (colour: string) => {
    swatch.style.color = colour
    return getComputedStyle(swatch).color
  }
  const [hit, miss] = [resolved('var(--hit)'), resolved('var(--miss)')]
  const of = { hit, miss, query: resolved(query), answer: resolved('var(--answer)') }
  const [ink, paper] = [resolved('var(--ink)'), resolved('var(--paper)')]
  swatch.remove()
  const radius = Math.max(1.6, 4.2 - 0.8 * Math.log10(1 + marks / 50)) + 0.4 * Math.log2(zoomed)
  return { of, hit, miss, ink, paper, stamps: stamps(of, radius * devicePixelRatio) }
}

/** The places of all marks in CSS pixels, for the zoom at hand. */
export interface Places {
  readonly left: Float64Array
  readonly top: Float64Array
}

export interface Scene {
  readonly view: ScatterView
  readonly places: Places
  readonly ink: Ink
  /** Of the map in CSS pixels. */
  readonly side: number
  readonly zoomed: number
  readonly picture: ScatterOptions['picture']
  readonly words: ScatterOptions['words']
}

/** @param ready is called when a picture can be drawn that is not decoded yet */
export function paint(pen: CanvasRenderingContext2D, scene: Scene, ready: () => void): void {
  const { view, places, ink, side, zoomed } = scene
  const ratio = pen.canvas.width / side
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.fillStyle = ink.paper
  pen.fillRect(0, 0, side, side)
  drawLines(pen, scene, view.lines, 1, view.lines.length > 400 ? 0.25 : 0.5)
  const visible = drawMarks(pen, scene, ratio)
  if (zoomed >= PICTURE_ZOOM) drawPictures(pen, scene, visible, ready)
  drawLines(pen, scene, view.chosenLines, 2.2, 1)
  const ends = new Set(view.chosenLines.flatMap(({ from, to }) => [from, to]))
  if (view.chosen !== undefined) ends.add(view.chosen)
  pen.strokeStyle = ink.ink
  for (const end of ends) {
    pen.lineWidth = end === view.chosen ? 2.2 : 1.2
    pen.beginPath()
    pen.arc(places.left[end]!, places.top[end]!, end === view.chosen ? 9 : 7, 0, 2 * Math.PI)
    pen.stroke()
  }
}

function drawLines(
  pen: CanvasRenderingContext2D,
  { places: { left, top }, ink }: Scene,
  lines: readonly Line[],
  width: number,
  alpha: number,
): void {
  if (lines.length === 0) return
  pen.lineWidth = width
  pen.globalAlpha = alpha
  for (const kind of ['gold', 'nearest'] as const)
    for (const hit of [true, false]) {
      pen.beginPath()
      for (const line of lines) {
        if (line.kind !== kind || line.hit !== hit) continue
        pen.moveTo(left[line.from]!, top[line.from]!)
        pen.lineTo(left[line.to]!, top[line.to]!)
      }
      pen.setLineDash(kind === 'nearest' ? [4, 3] : [])
      pen.strokeStyle = hit ? ink.hit : kind === 'nearest' ? ink.miss : ink.ink
      pen.stroke()
    }
  pen.setLineDash([])
  pen.globalAlpha = 1
}

/** @returns marks in sight that are not faded */
function drawMarks(pen: CanvasRenderingContext2D, scene: Scene, ratio: number): number[] {
  const { view, places, ink } = scene
  const { width, height } = pen.canvas
  const pixels = pen.getImageData(0, 0, width, height)
  const visible: number[] = []
  const { reach } = ink.stamps
  for (const kind of KINDS) {
    const own = ink.stamps.of[kind]
    for (let index = 0; index < view.marks.length; index++) {
      if (view.marks[index]!.kind !== kind) continue
      const [left, top] = [places.left[index]! * ratio, places.top[index]! * ratio]
      if (left < -reach || top < -reach || left > width + reach || top > height + reach) continue
      const faded = view.faded(index)
      if (!faded) visible.push(index)
      stamp(pixels, own, left, top, faded ? 0.12 : 0.85)
    }
  }
  pen.putImageData(pixels, 0, 0)
  return visible
}

/** Pictures, or words deep in the map, each where none stands yet: the closer, the more. */
function drawPictures(
  pen: CanvasRenderingContext2D,
  { view, places, ink, side, picture, words }: Scene,
  visible: readonly number[],
  ready: () => void,
): void {
  const columns = Math.ceil(side / CELL) + 3
  const taken = new Uint8Array(columns * columns)
  let count = 0
  pen.font = '11px system-ui, sans-serif'
  pen.textAlign = 'center'
  for (const index of visible) {
    if (count === MOST_PICTURES) return
    const [left, top] = [places.left[index]!, places.top[index]!]
    const cell = (Math.floor(top / CELL) + 1) * columns + Math.floor(left / CELL) + 1
    if (AROUND.some(([dx, dy]) => taken[cell + dy * columns + dx] === 1)) continue
    const image = picture(index, ready)
    const name = image === undefined && visible.length <= NAMED ? words(index) : undefined
    if (image === undefined && name === undefined) continue
    taken[cell] = 1
    count++
    if (image !== undefined) frame(pen, image, left, top, view.marks[index]!.kind, ink)
    else if (name !== undefined) {
      pen.lineWidth = 3
      pen.strokeStyle = ink.paper
      pen.fillStyle = ink.ink
      pen.strokeText(name, left, top - 7)
      pen.fillText(name, left, top - 7)
    }
  }
}

const AROUND = [-1, 0, 1].flatMap((dx) => [-1, 0, 1].map((dy) => [dx, dy] as const))

/** A picture in a frame of its mark's colour; that of a miss is dashed. */
function frame(
  pen: CanvasRenderingContext2D,
  image: CanvasImageSource,
  x: number,
  y: number,
  kind: MarkKind,
  ink: Ink,
): void {
  const [left, top] = [x - PICTURE / 2, y - PICTURE / 2]
  pen.fillStyle = ink.paper
  pen.fillRect(left - 2, top - 2, PICTURE + 4, PICTURE + 4)
  pen.drawImage(image, left, top, PICTURE, PICTURE)
  pen.strokeStyle = ink.of[kind]
  pen.lineWidth = 2
  pen.setLineDash(kind === 'miss' ? [4, 3] : [])
  pen.strokeRect(left - 1, top - 1, PICTURE + 2, PICTURE + 2)
  pen.setLineDash([])
}
