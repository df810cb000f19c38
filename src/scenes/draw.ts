/** @file Drawing a description: typed-array loops, 20 times as fast as composing with an image library. */

import { COLOURS } from './colours.ts'
import { type Description, PICTURE, type Place } from './scene.ts'
import type { Sheets } from './sheets.ts'

/**
 * A linear change of colours: three rows of three, applied to red, green and blue. Training may show a drawing in other colours than its own,
 * so that its shape counts too.
 */
export type Recolouring = readonly [number, number, number, number, number, number, number, number, number]

/** A copy of a premultiplied sprite in other colours; its outline stays. */
function recoloured(sprite: Uint8Array, matrix: Recolouring): Uint8Array {
  const out = new Uint8Array(sprite.length)
  for (let i = 0; i < sprite.length; i += 4) {
    const alpha = sprite[i + 3]!
    if (alpha === 0) continue
    const [red, green, blue] = [sprite[i]!, sprite[i + 1]!, sprite[i + 2]!]
    for (let channel = 0; channel < 3; channel++) {
      const value = matrix[3 * channel]! * red + matrix[3 * channel + 1]! * green + matrix[3 * channel + 2]! * blue
      // Premultiplied colour never exceeds alpha.
      out[i + channel] = Math.min(alpha, Math.max(0, Math.round(value)))
    }
    out[i + 3] = alpha
  }
  return out
}

/** Lays a premultiplied sprite over the picture. */
function lay(out: Uint8Array, sprite: Uint8Array, { x, y, size }: Place): void {
  for (let row = 0; row < size; row++) {
    let to = ((y + row) * PICTURE + x) * 3
    let from = row * size * 4
    for (let column = 0; column < size; column++, to += 3, from += 4) {
      const alpha = sprite[from + 3]!
      if (alpha === 0) continue
      const rest = 255 - alpha
      // Premultiplied colour ≤ alpha, so the sum never exceeds 255.
      out[to] = sprite[from]! + (((out[to]! * rest + 127) / 255) | 0)
      out[to + 1] = sprite[from + 1]! + (((out[to + 1]! * rest + 127) / 255) | 0)
      out[to + 2] = sprite[from + 2]! + (((out[to + 2]! * rest + 127) / 255) | 0)
    }
  }
}

/** Lays the sprite's outline filled with one colour. */
function laySilhouette(
  out: Uint8Array,
  sprite: Uint8Array,
  { x, y, size }: Place,
  [red, green, blue]: readonly [number, number, number],
): void {
  for (let row = 0; row < size; row++) {
    let to = ((y + row) * PICTURE + x) * 3
    let from = row * size * 4 + 3
    for (let column = 0; column < size; column++, to += 3, from += 4) {
      const alpha = sprite[from]!
      if (alpha === 0) continue
      const rest = 255 - alpha
      out[to] = ((red * alpha + out[to]! * rest + 127) / 255) | 0
      out[to + 1] = ((green * alpha + out[to + 1]! * rest + 127) / 255) | 0
      out[to + 2] = ((blue * alpha + out[to + 2]! * rest + 127) / 255) | 0
    }
  }
}

/**
 * @param recolouring changes the colours of drawings; background and silhouettes keep theirs, since texts name them
 * @returns `[96, 96, 3]` sRGB bytes, row-major; without recolouring the same bytes on every machine
 */
export function draw(description: Description, sheets: Sheets, recolouring?: Recolouring): Uint8Array {
  const out = new Uint8Array(PICTURE * PICTURE * 3)
  const [red, green, blue] = COLOURS[description.background]!.rgb
  for (let i = 0; i < PICTURE * 3; i += 3) {
    out[i] = red
    out[i + 1] = green
    out[i + 2] = blue
  }
  for (let filled = PICTURE * 3; filled < out.length; filled *= 2) out.copyWithin(filled, 0, Math.min(filled, out.length - filled))
  let next = 0
  for (const { concept, count, colour } of description.parts) {
    for (let i = 0; i < count; i++) {
      const at = description.places[next++]!
      const sprite = sheets.sprite(concept, description.style, at.size)
      if (colour === undefined) lay(out, recolouring === undefined ? sprite : recoloured(sprite, recolouring), at)
      else laySilhouette(out, sprite, at, COLOURS[colour]!.rgb)
    }
  }
  return out
}
