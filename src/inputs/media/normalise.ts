/** @file 8-bit pixels to the floats that a tower takes. */

import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { RgbImage } from './image.ts'

/** One number per channel: red, green, blue. */
export type PerChannel = readonly [number, number, number]

export interface PixelScale {
  /** Levels are multiplied by this first: 1/255, or 1 to leave them as they are. */
  readonly rescaleFactor: number
  readonly mean: PerChannel
  readonly std: PerChannel
}

/**
 * `((level · rescaleFactor) − mean) / std`, rounded to f32 after each step as numpy does in the
 * reference processors. There are only 256 levels, so each channel is a table.
 * @returns `[3, height, width] f32`
 * @see specs/ar-vlms.md §9
 */
export function normalise({ width, height, data }: RgbImage, scale: PixelScale): Tensor<'f32'> {
  const plane = width * height
  const out = new Float32Array(3 * plane)
  for (let channel = 0; channel < 3; channel++) {
    const levels = levelTable(scale.rescaleFactor, scale.mean[channel]!, scale.std[channel]!)
    for (let i = 0, source = channel, at = channel * plane; i < plane; i++, source += 3)
      out[at + i] = levels[data[source]!]!
  }
  return f32([3, height, width], out)
}

function levelTable(rescaleFactor: number, mean: number, std: number): Float32Array {
  const table = new Float32Array(256)
  for (let level = 0; level < 256; level++)
    table[level] = Math.fround(Math.fround(level * rescaleFactor) - Math.fround(mean)) / Math.fround(std)
  return table
}
