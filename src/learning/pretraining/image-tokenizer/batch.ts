/** @file Pictures of a batch, as the image tokenizer sees them: a function of the step alone. */

import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { captionPair } from '../../../inputs/scenes/caption-pairs.ts'
import { draw } from '../../../inputs/scenes/draw.ts'
import type { Description, SceneUse } from '../../../inputs/scenes/scene.ts'
import type { Sheets } from '../../../inputs/scenes/sheets.ts'
import { mmadaPixels } from '../../../models/families/mmada/picture.ts'
import { PICTURE_SIZE } from '../recipe.ts'
import type { TowerWorld } from '../tower-batch.ts'
import { captionFeeds } from './caption.ts'
import { CODE_PICTURE, type CodeTraining } from './shape.ts'

/** The pictures whose captions the tower learns, in the same order. */
export function codeBatch(
  at: TowerWorld,
  training: CodeTraining,
  step: number,
  use: SceneUse = 'train',
): { pixels: Tensor<'f32'> } {
  const drawn = pairsAt(at, training, step, use)
  return {
    pixels: codePixels(
      drawn.map(({ description }) => description),
      at.sheets,
    ),
  }
}

/** The same with their captions, as `alignedCodeLoss` wants them. */
export function captionedBatch(at: TowerWorld, training: CodeTraining, step: number): Record<string, Tensor> {
  const captions = pairsAt(at, training, step, 'train').map(({ caption }) =>
    at.tokenizer.encode(caption, { addSpecialTokens: false }),
  )
  return { ...codeBatch(at, training, step), ...captionFeeds(captions) }
}

function pairsAt({ world }: TowerWorld, { batch, seed }: CodeTraining, step: number, use: SceneUse) {
  return Array.from({ length: batch }, (_, i) => captionPair(world, seed, step * batch + i, use))
}

/** Drawings as an MMaDA processor prepares them: `[batch, 3, side, side]` from −1 to 1. */
export function codePixels(descriptions: readonly Description[], sheets: Sheets): Tensor<'f32'> {
  const size = 3 * CODE_PICTURE * CODE_PICTURE
  const data = new Float32Array(descriptions.length * size)
  for (const [i, description] of descriptions.entries()) {
    const picture = { width: PICTURE_SIZE, height: PICTURE_SIZE, data: draw(description, sheets) }
    data.set(mmadaPixels(picture, CODE_PICTURE, 'crop').data, i * size)
  }
  return f32([descriptions.length, 3, CODE_PICTURE, CODE_PICTURE], data)
}
