/**
 * @file The pixels of a GIF file that are transparent or beside its first frame. The decoder gives
 * them black, Pillow a colour of the palette.
 */

import { MediaError } from './errors.ts'
import type { Colour, Size } from './image.ts'

/** The first frame of a GIF file: where it lies on the canvas, and what is around and under it. */
export interface GifFrame extends Size {
  readonly left: number
  readonly top: number
  /** The colour of all pixels that are transparent or not drawn. */
  readonly undrawn: Colour
}

/** @throws MediaError `damaged`; `variant` for a frame without palette, or a colour beyond it */
export function firstGifFrame(bytes: Uint8Array, name: string): GifFrame {
  let at = 13
  const byte = (offset: number): number => {
    const value = bytes[at + offset]
    if (value !== undefined) return value
    throw new MediaError('damaged', {
      message: `${name}: the GIF file is cut short before its first frame`,
      hint: 'Download or write the picture again.',
    })
  }
  const screen = bytes[10] ?? 0
  const paletteOf = (flags: number): Uint8Array | undefined => {
    if ((flags & 0x80) === 0) return undefined
    const size = 3 << ((flags & 7) + 1)
    byte(size - 1)
    const palette = bytes.subarray(at, at + size)
    at += size
    return palette
  }
  let palette = paletteOf(screen)
  let undrawn = 0
  for (let block = byte(0); block !== 0x2c; block = byte(0)) {
    if (block !== 0x21) throw variant(name, `a block of kind ${block} before its first frame`)
    const isControl = byte(1) === 0xf9
    if (isControl && (byte(3) & 1) === 1) undrawn = byte(6)
    at += 2
    while (byte(0) !== 0) at += byte(0) + 1
    at += 1
  }
  const number = (offset: number) => byte(offset) + 256 * byte(offset + 1)
  const place = { left: number(1), top: number(3), width: number(5), height: number(7) }
  const flags = byte(9)
  at += 10
  palette = paletteOf(flags) ?? palette
  if (palette === undefined) throw variant(name, 'no palette')
  const colour = palette.subarray(undrawn * 3, undrawn * 3 + 3)
  if (colour.length < 3) throw variant(name, `the transparent colour ${undrawn} beyond its palette`)
  return { ...place, undrawn: [colour[0]!, colour[1]!, colour[2]!] }
}

function variant(name: string, what: string): MediaError {
  return new MediaError('variant', {
    message: `${name}: a GIF file with ${what}, which is not read: its pixels might differ from the reference's`,
    hint: 'Convert the picture to PNG.',
  })
}
