/** @file Pictures to patch vectors. */

import { GraphError } from '../graph/errors.ts'
import type { Value } from '../graph/graph.ts'
import { linear } from '../graph/matmul.ts'
import { reshape, slice, transpose } from '../graph/shaping.ts'
import type { Scope } from './scope.ts'

export interface PatchShape {
  channels: number
  /** Pixels of a patch's side. */
  patch: number
  hidden: number
  bias: boolean
}

/**
 * A convolution whose kernel and stride are one patch, written as a product over flattened
 * `(channel, y, x)` patches: `<name>.weight` `[hidden, channels, patch, patch]`. Pixels
 * that fill no whole patch, at the right and bottom edge, are dropped.
 * @param pixels `[batch, channels, height, width]`, height and width known
 * @returns `[batch, rows·columns, hidden]`, row by row
 * @see specs/ar-vlms.md §0.6
 */
export function patchEmbedding(
  scope: Scope,
  pixels: Value<'f32'>,
  name: string,
  { channels, patch, hidden, bias }: PatchShape,
): Value<'f32'> {
  const [batch, , height, width] = pixels.dims
  const [rows, columns] = [cells(height, patch, pixels), cells(width, patch, pixels)]
  const whole = slice(slice(pixels, 2, 0, rows * patch), 3, 0, columns * patch)
  const cut = transpose(reshape(whole, [batch!, channels, rows, patch, columns, patch]), [0, 2, 4, 1, 3, 5])
  const flat = reshape(cut, [batch!, rows * columns, channels * patch * patch])
  const kernel = reshape(scope.weight(`${name}.weight`, [hidden, channels, patch, patch]), [
    hidden,
    channels * patch * patch,
  ])
  return linear(flat, kernel, bias ? scope.weight(`${name}.bias`, [hidden]) : undefined)
}

function cells(size: number | string | undefined, patch: number, pixels: Value): number {
  if (typeof size === 'number' && size >= patch) return Math.floor(size / patch)
  throw new GraphError('patches', {
    message: `pictures of shape [${pixels.dims}] cannot be cut into patches of ${patch} pixels`,
    hint: 'Height and width must be known and at least one patch.',
  })
}
