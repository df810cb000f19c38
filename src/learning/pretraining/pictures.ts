/** @file Pictures of a batch as bytes, and what their patches show. */

import { type Tensor, tensor } from '../../foundation/numeric/tensor.ts'
import { draw, type Redraw } from '../../inputs/scenes/draw.ts'
import type { Description } from '../../inputs/scenes/scene.ts'
import type { Sheets } from '../../inputs/scenes/sheets.ts'
import { PATCH_SIZE, PICTURE_SIZE } from './recipe.ts'

const SIDE = PICTURE_SIZE / PATCH_SIZE
const PIXELS = PICTURE_SIZE * PICTURE_SIZE * 3

/** Draws all descriptions, each as it is or as its `redraw` changes it: `[batch, 96, 96, 3] u8`. */
export function drawBatch(
  descriptions: readonly Description[],
  sheets: Sheets,
  redraw?: (at: number) => Redraw | undefined,
): Tensor<'u8'> {
  const bytes = new Uint8Array(descriptions.length * PIXELS)
  for (const [i, description] of descriptions.entries())
    bytes.set(draw(description, sheets, redraw?.(i)), i * PIXELS)
  return tensor('u8', [descriptions.length, PICTURE_SIZE, PICTURE_SIZE, 3], bytes)
}

/**
 * The content of a patch: a concept (index into all concepts) and its silhouette colour, or
 * `undefined` for bare background.
 */
export interface PatchContent {
  concept: number
  colour?: number
}

/**
 * The 16 patches of a picture, row by row. Of overlapping drawings the last one counts, as in the
 * picture.
 */
export function patchContents({ parts, places }: Description): (PatchContent | undefined)[] {
  const patches: (PatchContent | undefined)[] = new Array(SIDE * SIDE).fill(undefined)
  let next = 0
  for (const { concept, count, colour } of parts) {
    for (let i = 0; i < count; i++) {
      const { x, y, size } = places[next++]!
      for (let row = y / PATCH_SIZE; row < (y + size) / PATCH_SIZE; row++) {
        for (let column = x / PATCH_SIZE; column < (x + size) / PATCH_SIZE; column++)
          patches[row * SIDE + column] = { concept, colour }
      }
    }
  }
  return patches
}
