/** @file Pictures in memory. */

/** Width and height in pixels (or in grid cells, where the text says so). */
export interface Size {
  readonly width: number
  readonly height: number
}

/** An 8-bit picture: `data` is `[height, width, 3] u8`, row-major, red first. */
export interface RgbImage extends Size {
  readonly data: Uint8Array
}

/** Red, green, blue, each 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number]

/** `48×32`: width first, as people write it. */
export function sizeText({ width, height }: Size): string {
  return `${width}×${height}`
}
