/** @file A twin as a graph: the trained parameters and the loss. */

import { add, cast, div } from '../../engine/graph/elementwise.ts'
import type { Graph } from '../../engine/graph/graph.ts'
import { transpose } from '../../engine/graph/shaping.ts'
import { rootScope } from '../../engine/nn/scope.ts'
import type { Loss } from '../training/gradient.ts'
import { maskedDiffusionLoss } from './masked-diffusion.ts'
import { PICTURE_SIZE } from './recipe.ts'
import { seesCodes, type Twin, twinModel } from './twins/twin.ts'

/** Whether a parameter is the tower's or the image tokenizer's, which stays as it is. */
export function isTower(name: string): boolean {
  return name.includes('vision_tower') || name.startsWith('image_tokenizer.')
}

/**
 * The loss of a batch of `twinBatch`; the head runs where something is scored. Next-token and
 * masked diffusion differ in the feeds only.
 * @see specs/lavida.md §6.3
 */
export function twinLoss(graph: Graph, twin: Twin): Loss {
  const model = twinModel(twin)
  const scope = rootScope(graph, { trainable: (parameter) => !isTower(parameter) })
  const ids = (input: string) => graph.input(input, 'i64', ['batch', 'seq'])
  const words = { inputIds: ids('input_ids'), attentionMask: ids('attention_mask') }
  // Codes are ids already.
  const seen = seesCodes(twin) ? {} : { imageRows: featureRows(), imageIndex: ids('image_index') }
  const decoder = model.buildDecoder(scope, { ...words, ...seen }, { attention: twin.attention })
  return { loss: maskedDiffusionLoss(graph, decoder) }

  function featureRows() {
    const bytes = graph.input('pixels', 'u8', ['views', PICTURE_SIZE, PICTURE_SIZE, 3])
    const pixels = add(div(cast(transpose(bytes, [0, 3, 1, 2]), 'f32'), 127.5), -1)
    return model.buildVision(scope, pixels).rows
  }
}
