/** @file Marks of a map, drawn once and stamped many times: the same shape at 20,000 places. */

/**
 * Kinds of marks, told apart by shape and colour: a query that was found, one that was not, an item
 * whose outcome nobody knows, and an answer.
 */
export type MarkKind = 'hit' | 'miss' | 'query' | 'answer'

/** Kinds from the bottom of the drawing to its top. */
export const KINDS = ['answer', 'query', 'hit', 'miss'] as const satisfies readonly MarkKind[]

/** One stamp a kind; its side in CSS pixels. */
export interface Stamps {
  readonly side: number
  readonly of: Readonly<Record<MarkKind, HTMLCanvasElement>>
}

/**
 * @param colours one a kind, as CSS
 * @param radius of a mark in CSS pixels
 * @param ratio  device pixels of a CSS pixel
 */
export function stamps(colours: Readonly<Record<MarkKind, string>>, radius: number, ratio: number): Stamps {
  const side = 2 * Math.ceil(radius + 2)
  const of = (kind: MarkKind) => {
    const canvas = document.createElement('canvas')
    canvas.width = canvas.height = Math.ceil(side * ratio)
    const pen = canvas.getContext('2d')
    if (pen === null) return canvas
    pen.scale(canvas.width / side, canvas.width / side)
    pen.translate(side / 2, side / 2)
    pen.strokeStyle = pen.fillStyle = colours[kind]
    pen.lineWidth = Math.max(1.1, radius * 0.42)
    pen.beginPath()
    if (kind === 'miss') {
      const arm = radius * 0.85
      pen.moveTo(-arm, -arm)
      pen.lineTo(arm, arm)
      pen.moveTo(-arm, arm)
      pen.lineTo(arm, -arm)
      pen.stroke()
    } else {
      pen.arc(0, 0, kind === 'answer' ? radius * 0.9 : radius, 0, 2 * Math.PI)
      if (kind === 'answer') pen.stroke()
      else pen.fill()
    }
    return canvas
  }
  return { side, of: { answer: of('answer'), query: of('query'), hit: of('hit'), miss: of('miss') } }
}
