/**
 * @file Drawings in other forms: turned, stretched, mirrored, moved, in other colours. So a tower
 * learns shapes, not 600 pictures by heart.
 */

import type { Random } from '../../foundation/numeric/random.ts'
import type { Redraw } from '../../inputs/scenes/draw.ts'

/** A linear change of colours: three rows of three, applied to red, green and blue. */
export type Recolouring = readonly [number, number, number, number, number, number, number, number, number]

export interface Variation {
  /** Clockwise, in radians. */
  turn: number
  /** Factors of width and height; a negative width mirrors. */
  stretch: readonly [number, number]
  /** To the right and down, as shares of the size. */
  shift: readonly [number, number]
  colours?: Recolouring
}

/** Bounds of the random variations; each number is drawn evenly from ± its bound. */
const TURN = 0.25
/** Natural logarithm of a factor. */
const STRETCH = 0.15
const SHIFT = 0.06
const HUE = 0.8
const MOST_COLOUR = 1.2
/** Share of variations that change the colours too. */
const RECOLOURED = 0.6

export function randomVariation(random: Random): Variation {
  const within = (bound: number) => bound * (2 * random() - 1)
  const mirror = random() < 0.5 ? -1 : 1
  return {
    turn: within(TURN),
    stretch: [mirror * Math.exp(within(STRETCH)), Math.exp(within(STRETCH))],
    shift: [within(SHIFT), within(SHIFT)],
    ...(random() < RECOLOURED ? { colours: recolouringOf(within(HUE), MOST_COLOUR * random()) } : {}),
  }
}

/** Applies a variation to premultiplied sprites: bilinear, transparent beyond the edges. */
export function redrawn({ turn, stretch: [wide, high], shift: [right, down], colours }: Variation): Redraw {
  const [c, s] = [Math.cos(turn), Math.sin(turn)]
  return (sprite, size) => {
    const out = new Uint8Array(sprite.length)
    const middle = (size - 1) / 2
    for (let y = 0, to = 0; y < size; y++) {
      for (let x = 0; x < size; x++, to += 4) {
        // Back from the place in the new drawing to the one in the old.
        const [dx, dy] = [x - middle - right * size, y - middle - down * size]
        sample(sprite, size, (c * dx + s * dy) / wide + middle, (c * dy - s * dx) / high + middle, out, to)
      }
    }
    if (colours !== undefined) recolour(out, colours)
    return out
  }
}

function sample(sprite: Uint8Array, size: number, x: number, y: number, out: Uint8Array, to: number): void {
  if (x <= -1 || y <= -1 || x >= size || y >= size) return
  const [left, top] = [Math.floor(x), Math.floor(y)]
  const [a, b] = [x - left, y - top]
  const inside = (column: number, row: number) => column >= 0 && row >= 0 && column < size && row < size
  const corners = [
    [left, top, (1 - a) * (1 - b)],
    [left + 1, top, a * (1 - b)],
    [left, top + 1, (1 - a) * b],
    [left + 1, top + 1, a * b],
  ] as const
  let [red, green, blue, alpha] = [0, 0, 0, 0]
  for (const [column, row, weight] of corners) {
    if (weight === 0 || !inside(column, row)) continue
    const from = (row * size + column) * 4
    red += weight * sprite[from]!
    green += weight * sprite[from + 1]!
    blue += weight * sprite[from + 2]!
    alpha += weight * sprite[from + 3]!
  }
  // Rounding keeps the order, so premultiplied colour stays ≤ alpha.
  out[to] = Math.round(red)
  out[to + 1] = Math.round(green)
  out[to + 2] = Math.round(blue)
  out[to + 3] = Math.round(alpha)
}

function recolour(sprite: Uint8Array, matrix: Recolouring): void {
  for (let i = 0; i < sprite.length; i += 4) {
    const alpha = sprite[i + 3]!
    if (alpha === 0) continue
    const [red, green, blue] = [sprite[i]!, sprite[i + 1]!, sprite[i + 2]!]
    for (let channel = 0; channel < 3; channel++) {
      const value =
        matrix[3 * channel]! * red + matrix[3 * channel + 1]! * green + matrix[3 * channel + 2]! * blue
      sprite[i + channel] = Math.min(alpha, Math.max(0, Math.round(value)))
    }
  }
}

/** Lightness weights of SVG filters. */
const [RED, GREEN, BLUE] = [0.213, 0.715, 0.072]

/**
 * A hue turned by `angle` (radians, about the grey axis) and a colourfulness of `saturation` (0 =
 * grey, 1 = as drawn); lightness stays.
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
