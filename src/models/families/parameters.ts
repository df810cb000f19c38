/**
 * @file The parameters of a whole model, without a checkpoint: those that a file must hold, and
 * those that start random.
 */

import { Graph } from '../../engine/graph/graph.ts'
import { rootScope, type ScopeOptions } from '../../engine/nn/scope.ts'
import { decoderInputs } from './decoder-inputs.ts'
import type { Model, VisionLanguageModel } from './model.ts'
import { type ParameterSlot, parametersOf } from './weights.ts'

/**
 * Builds all pieces of a model once, only to list the parameters that they ask for.
 * @param options.head whether the language model's head counts (default true): embedding needs
 *   none, and some files have none
 * @param options.scale whether a dual encoder's logit scale and bias count (default true)
 */
export function modelParameters(
  model: Model,
  { head = true, scale = true }: { head?: boolean; scale?: boolean } = {},
): ParameterSlot[] {
  return parametersOf(modelGraph(model, { head, scale }))
}

/** The graph behind `modelParameters`. @param options.storedDtype see `ScopeOptions` */
export function modelGraph(
  model: Model,
  { head, scale, storedDtype }: { head: boolean; scale: boolean } & Pick<ScopeOptions, 'storedDtype'>,
): Graph {
  const graph = new Graph()
  const scope = rootScope(graph, { storedDtype })
  const pixelsOf = (symbol: string) => graph.input('pixel_values', 'f32', [symbol, ...model.shape.view])
  if (model.kind === 'dual-encoder') {
    model.buildImage(scope, pixelsOf('batch'))
    model.buildText(scope, graph.input('input_ids', 'i64', ['batch', model.shape.textLength]))
    if (scale) model.buildScale(scope)
  } else {
    model.buildVision(scope, pixelsOf('views'))
    const ids = (name: string) => graph.input(name, 'i64', ['batch', 'seq'])
    const pieces = model.buildDecoder(scope, {
      inputIds: ids('input_ids'),
      attentionMask: ids('attention_mask'),
    })
    if (head) pieces.head(pieces.norm)
  }
  return graph
}

/** The parameters of the decoder, its head excepted. */
export function decoderParameters(model: VisionLanguageModel): ParameterSlot[] {
  const graph = new Graph()
  model.buildDecoder(rootScope(graph), decoderInputs(graph, model.shape))
  return parametersOf(graph)
}

/** A linear layer: its name without `.weight`, and its sizes. */
interface LinearSlot {
  module: string
  inFeatures: number
  outFeatures: number
}

/** The linear layers of the decoder, its head excepted. */
export function decoderLinears(model: VisionLanguageModel): LinearSlot[] {
  const graph = new Graph()
  const names: string[] = []
  const scope = rootScope(graph, {
    adapter: (name) => {
      names.push(name)
      return undefined
    },
  })
  model.buildDecoder(scope, decoderInputs(graph, model.shape))
  const dims = new Map(parametersOf(graph).map((slot) => [slot.name, slot.dims]))
  return names.map((module) => {
    const [outFeatures = 0, inFeatures = 0] = dims.get(`${module}.weight`) ?? []
    return { module, inFeatures, outFeatures }
  })
}
