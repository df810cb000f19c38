/**
 * @file Marks of a map, blended into its pixels: each kind is a mask that is drawn once and stamped
 * at 20,000 places. Canvas calls for so many marks take ten times as long without a GPU.
 */

/**
 * Kinds of marks, told apart by shape and colour: a query that was found, one that was not, an item
 * whose outcome nobody knows, and an answer.
 */
export type MarkKind = 'hit' | 'miss' | 'query' | 'answer'

/** Kinds from the bottom of the drawing to its top. */
export const KINDS = ['answer', 'query', 'hit', 'miss'] as const satisfies readonly MarkKind[]

/** The pixels of a mark around its centre, and how much they cover, in [0, 1]. */
interface Stamp {
  readonly dx: Int16Array
  readonly dy: Int16Array
  readonly cover: Float32Array
  readonly colour: readonly [number, number, number]
}

export interface Stamps {
  readonly of: Readonly<Record<MarkKind, Stamp>>
  /** No pixel of a mark is further from its centre. */
  readonly reach: number
}

/**
 * @param colours one a kind, as CSS
 * @param radius of a mark in device pixels
 */
export function stamps(colours: Readonly<Record<MarkKind, string>>, radius: number): Stamps {
  const reach = Math.ceil(radius + 2)
  const side = 2 * reach + 1
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = side
  const pen = canvas.getContext('2d', { willReadFrequently: true })
  const of = (kind: MarkKind): Stamp => {
    if (pen === null)
      return { dx: new Int16Array(), dy: new Int16Array(), cover: new Float32Array(), colour: [0, 0, 0] }
    pen.clearRect(0, 0, side, side)
    pen.fillStyle = colours[kind]
    pen.fillRect(0, 0, 1, 1)
    const [red = 0, green = 0, blue = 0] = pen.getImageData(0, 0, 1, 1).data
    pen.clearRect(0, 0, side, side)
    shape(pen, kind, reach + 0.5, radius)
    const { data } = pen.getImageData(0, 0, side, side)
    const inside = Array.from({ length: side * side }, (_, i) => i).filter((i) => data[4 * i + 3]! > 0)
    return {
      dx: Int16Array.from(inside, (i) => (i % side) - reach),
      dy: Int16Array.from(inside, (i) => Math.floor(i / side) - reach),
      cover: Float32Array.from(inside, (i) => data[4 * i + 3]! / 255),
      colour: [red, green, blue],
    }
  }
  return { reach, of: { answer: of('answer'), query: of('query'), hit: of('hit'), miss: of('miss') } }
}

function shape(pen: CanvasRenderingContext2D, kind: MarkKind, centre: number, radius: number): void {
  pen.lineWidth = Math.max(1.1, radius * 0.42)
  pen.beginPath()
  if (kind === 'miss') {
    const arm = radius * 0.85
    pen.moveTo(centre - arm, centre - arm)
    pen.lineTo(centre + arm, centre + arm)
    pen.moveTo(centre - arm, centre + arm)
    pen.lineTo(centre + arm, centre - arm)
    pen.stroke()
    return
  }
  pen.arc(centre, centre, kind === 'answer' ? radius * 0.9 : radius, 0, 2 * Math.PI)
  if (kind === 'answer') pen.stroke()
  else pen.fill()
}

/**
 * Blends a mark into opaque pixels.
 * @param left, top device pixels of its centre
 * @param opacity in [0, 1]
 */
export function stamp(
  { data, width, height }: ImageData,
  { dx, dy, cover, colour }: Stamp,
  left: number,
  top: number,
  opacity: number,
): void {
  const [red, green, blue] = colour
  const [x, y] = [Math.round(left), Math.round(top)]
  for (let i = 0; i < cover.length; i++) {
    const [px, py] = [x + dx[i]!, y + dy[i]!]
    if (px < 0 || py < 0 || px >= width || py >= height) continue
    const at = 4 * (py * width + px)
    const share = cover[i]! * opacity
    data[at] = data[at]! + (red - data[at]!) * share
    data[at + 1] = data[at + 1]! + (green - data[at + 1]!) * share
    data[at + 2] = data[at + 2]! + (blue - data[at + 2]!) * share
  }
}
