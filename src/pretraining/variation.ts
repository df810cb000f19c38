/** @file Drawings in other forms: between two styles, blurred, outlined, mirrored, in other colours. So a tower learns things, not 600 pictures by heart. */

import { pick, type Random } from '../numeric/random.ts'
import type { Redraw, Sheets } from '../scenes/index.ts'

/** A linear change of colours: three rows of three, applied to red, green and blue. */
export type Recolouring = readonly [number, number, number, number, number, number, number, number, number]

/** What is done to a drawing, in this order. */
export interface Variation {
  /** Share of the same thing in another style, and which of the others (a number in [0, 1)). */
  blend?: { share: number; which: number }
  mirrored?: boolean
  /** Half-width of the box that each pixel is averaged over, as a share of the size. */
  blur?: number
  colours?: Recolouring
  /** Width of a dark contour, as a share of the size. */
  outline?: number
}

/** How often each change is made, and its bounds. */
const BLENDED = 0.6
const MIRRORED = 0.3
const BLURRED = 0.5
const MOST_BLUR = 0.08
const RECOLOURED = 0.5
const OUTLINED = 0.3
const OUTLINES = [0.02, 0.03, 0.045]
/** Radians. */
const HUE = 0.7
const MOST_COLOUR = 1.2

export function randomVariation(random: Random): Variation {
  return {
    blend: random() < BLENDED ? { share: random(), which: random() } : undefined,
    mirrored: random() < MIRRORED,
    blur: random() < BLURRED ? MOST_BLUR * random() : undefined,
    colours: random() < RECOLOURED ? recolouringOf(HUE * (2 * random() - 1), MOST_COLOUR * random()) : undefined,
    outline: random() < OUTLINED ? pick(OUTLINES, random) : undefined,
  }
}

/** Where drawings in other styles come from. */
export interface Styles {
  sheets: Sheets
  /** Styles that training may show of a concept. */
  shown(concept: number): readonly number[]
}

/** Applies a variation to premultiplied sprites. */
export function redrawn({ blend, mirrored, blur, colours, outline }: Variation, { sheets, shown }: Styles): Redraw {
  return (sprite, { concept, style, size }) => {
    let out = Uint8Array.from(sprite)
    if (blend !== undefined) {
      const others = shown(concept).filter((other) => other !== style)
      const other = others[Math.floor(blend.which * others.length)]
      if (other !== undefined) out = blended(out, sheets.sprite(concept, other, size), blend.share)
    }
    if (mirrored) mirror(out, size)
    const radius = Math.round((blur ?? 0) * size)
    if (radius > 0) out = boxBlurred(boxBlurred(out, size, radius, 4), size, radius, size * 4)
    if (colours !== undefined) recolour(out, colours)
    return outline === undefined ? out : outlined(out, size, Math.max(1, Math.round(outline * size)))
  }
}

function blended(a: Uint8Array, b: Uint8Array, share: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(a, (value, i) => Math.round(value + share * (b[i]! - value)))
}

function mirror(sprite: Uint8Array, size: number): void {
  const pixels = new Uint32Array(sprite.buffer, sprite.byteOffset, size * size)
  for (let row = 0; row < size; row++) pixels.subarray(row * size, (row + 1) * size).reverse()
}

/** Averages along one axis, `stride` bytes from pixel to pixel; beyond the edges is nothing. */
function boxBlurred(sprite: Uint8Array, size: number, radius: number, stride: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(sprite.length)
  const across = stride === 4 ? size * 4 : 4
  for (let line = 0; line < size; line++) {
    for (let channel = 0; channel < 4; channel++) {
      const start = line * across + channel
      let sum = 0
      for (let at = 0; at < Math.min(radius, size); at++) sum += sprite[start + at * stride]!
      for (let at = 0; at < size; at++) {
        if (at + radius < size) sum += sprite[start + (at + radius) * stride]!
        if (at > radius) sum -= sprite[start + (at - radius - 1) * stride]!
        out[start + at * stride] = Math.round(sum / (2 * radius + 1))
      }
    }
  }
  return out
}

function recolour(sprite: Uint8Array, matrix: Recolouring): void {
  for (let i = 0; i < sprite.length; i += 4) {
    const alpha = sprite[i + 3]!
    if (alpha === 0) continue
    const [red, green, blue] = [sprite[i]!, sprite[i + 1]!, sprite[i + 2]!]
    for (let channel = 0; channel < 3; channel++) {
      const value = matrix[3 * channel]! * red + matrix[3 * channel + 1]! * green + matrix[3 * channel + 2]! * blue
      sprite[i + channel] = Math.min(alpha, Math.max(0, Math.round(value)))
    }
  }
}

/** Black within `width` pixels of the drawing's edge, inside the drawing. */
function outlined(sprite: Uint8Array, size: number, width: number): Uint8Array {
  const out = sprite.slice()
  const opaque = (x: number, y: number) => x >= 0 && y >= 0 && x < size && y < size && sprite[(y * size + x) * 4 + 3]! >= 128
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if (!opaque(x, y)) continue
      const inner = opaque(x - width, y) && opaque(x + width, y) && opaque(x, y - width) && opaque(x, y + width)
      if (!inner) out.fill(0, (y * size + x) * 4, (y * size + x) * 4 + 3)
    }
  }
  return out
}

/** Lightness weights of SVG filters. */
const [RED, GREEN, BLUE] = [0.213, 0.715, 0.072]

/**
 * A hue turned by `angle` (radians, about the grey axis) and a colourfulness of `saturation` (0 = grey, 1 = as drawn); lightness stays.
 * @see SVG 1.1 §15.10 (feColorMatrix: hueRotate, saturate)
 */
export function recolouringOf(angle: number, saturation: number): Recolouring {
  const [c, s] = [saturation * Math.cos(angle), saturation * Math.sin(angle)]
  return [
    RED + c * (1 - RED) - s * RED,
    GREEN - c * GREEN - s * GREEN,
    BLUE - c * BLUE + s * (1 - BLUE),
    RED - c * RED + s * 0.143,
    GREEN + c * (1 - GREEN) + s * 0.14,
    BLUE - c * BLUE - s * 0.283,
    RED - c * RED - s * (1 - RED),
    GREEN - c * GREEN + s * GREEN,
    BLUE + c * (1 - BLUE) + s * BLUE,
  ]
}
