/**
 * @file The loss of a tower that no text teaches: half of a picture is hidden, and its patches have
 * to be filled in; those that are seen have to be told again.
 * @see He et al. 2022 (masked autoencoders); Xie et al. 2022 (SimMIM, whose form this is)
 */

import { add, cast, div, mul, sub } from '../../../engine/graph/elementwise.ts'
import type { Graph } from '../../../engine/graph/graph.ts'
import { reduceMean, reduceSum } from '../../../engine/graph/reduction.ts'
import { expand, reshape, transpose } from '../../../engine/graph/shaping.ts'
import { layerNorm } from '../../../engine/nn/norm.ts'
import { rootScope } from '../../../engine/nn/scope.ts'
import { siglipVision } from '../../../models/families/towers/siglip-vision.ts'
import type { Loss } from '../../training/gradient.ts'
import { HIDDEN, IMAGE_TOKENS, PATCH_SIZE, PICTURE_SIZE } from '../recipe.ts'
import { VISION_SHAPE } from '../tower-model.ts'

/** A patch that is seen counts this much of one that is hidden. */
const SEEN = 0.3
const SIDE = PICTURE_SIZE / PATCH_SIZE
const PIXELS = 3 * PATCH_SIZE * PATCH_SIZE

/**
 * Feeds: `pixels` `[batch, 96, 96, 3] u8`; `hidden` `[batch, patches]`, 1 where a patch is hidden.
 * A hidden patch is grey.
 */
export function unalignedLoss(graph: Graph): Loss {
  const scope = rootScope(graph, { trainable: () => true })
  const bytes = graph.input('pixels', 'u8', ['batch', PICTURE_SIZE, PICTURE_SIZE, 3])
  const hidden = graph.input('hidden', 'f32', ['batch', IMAGE_TOKENS])
  const pixels = sub(div(cast(transpose(bytes, [0, 3, 1, 2]), 'f32'), 127.5), 1)
  const grid = reshape(hidden, ['batch', 1, SIDE, 1, SIDE, 1])
  const cover = reshape(expand(grid, ['batch', 1, SIDE, PATCH_SIZE, SIDE, PATCH_SIZE]), [
    'batch',
    1,
    PICTURE_SIZE,
    PICTURE_SIZE,
  ])
  const shown = mul(pixels, sub(graph.scalar(1), cover))
  const states = siglipVision(scope.under('vision_model'), shown, VISION_SHAPE).at(-1)!
  // For the training only: no part of the model.
  const head = scope.under('auxiliary')
  const rebuilt = head.linear(layerNorm(head, states, 'norm', HIDDEN, 1e-6), 'pixels', HIDDEN, PIXELS)
  const patches = reshape(
    transpose(reshape(pixels, ['batch', 3, SIDE, PATCH_SIZE, SIDE, PATCH_SIZE]), [0, 2, 4, 1, 3, 5]),
    ['batch', IMAGE_TOKENS, PIXELS],
  )
  const error = sub(rebuilt, patches)
  const squares = reduceMean(mul(error, error), [2])
  const mean = (weight: typeof hidden) => div(reduceSum(mul(squares, weight)), reduceSum(weight))
  const [filled, told] = [mean(hidden), mean(sub(graph.scalar(1), hidden))]
  return { loss: add(filled, mul(told, SEEN)), metrics: { filled, told } }
}
