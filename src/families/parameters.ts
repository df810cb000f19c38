/** @file The parameters of a whole model, without a checkpoint: what a file must hold, and what starts random. */

import { Graph } from '../graph/index.ts'
import { rootScope } from '../nn/index.ts'
import type { Model } from './model.ts'
import { type ParameterSlot, parametersOf } from './weights.ts'

/**
 * All pieces of a model built once, only to see what they ask for.
 * @param options.head whether the language model's head counts (default true): embedding needs none, and some files have none
 * @param options.scale whether a dual encoder's logit scale and bias count (default true)
 */
export function modelParameters(model: Model, { head = true, scale = true }: { head?: boolean; scale?: boolean } = {}): ParameterSlot[] {
  const graph = new Graph()
  const scope = rootScope(graph)
  const pixels = graph.input('pixel_values', 'f32', ['views', ...model.shape.view])
  if (model.kind === 'dual-encoder') {
    model.buildImage(scope, pixels)
    model.buildText(scope, graph.input('input_ids', 'i64', ['batch', model.shape.textLength]))
    if (scale) model.buildScale(scope)
  } else {
    model.buildVision(scope, pixels)
    const ids = (name: string) => graph.input(name, 'i64', ['batch', 'seq'])
    const pieces = model.buildDecoder(scope, { inputIds: ids('input_ids'), attentionMask: ids('attention_mask') })
    if (head) pieces.head(pieces.norm)
  }
  return parametersOf(graph)
}
