/** @file Pictures in memory. */

import { MediaError } from './errors.ts'

/** Width and height in pixels (or in grid cells, where the text says so). */
export interface Size {
  readonly width: number
  readonly height: number
}

/** An 8-bit picture: `data` is `[height, width, 3] u8`, row-major, red first. */
export interface RgbImage extends Size {
  readonly data: Uint8Array
  /** How many frames or pages the file has, where it has more than this one, the first. */
  readonly frames?: number
}

/** Red, green, blue, each 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number]

/** `48×32`: width first, as people write it. */
export function sizeText({ width, height }: Size): string {
  return `${width}×${height}`
}

/** Pixels of the largest picture that is ever made of another: 16384×16384. */
const MOST_PIXELS = 2 ** 28

/**
 * Refuses a picture that would fill the memory: one side of it follows from the aspect of another.
 * @throws MediaError `media/aspect`
 */
export function checkArea(size: Size, original: Size): void {
  if (size.width * size.height <= MOST_PIXELS) return
  throw new MediaError('aspect', {
    message: `a picture of ${sizeText(original)} pixels would become one of ${sizeText(size)}, more than ${MOST_PIXELS} pixels`,
    hint: 'The picture is too long and narrow for this model. Cut it into parts, or scale it down.',
  })
}
