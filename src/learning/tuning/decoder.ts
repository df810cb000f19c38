/**
 * @file The decoder as an encoder: from groups of sequences to pooled vectors, in one graph, for
 * training and embedding alike.
 */

import { Graph, type Value } from '../../engine/graph/graph.ts'
import type { AttentionPattern } from '../../engine/nn/attention.ts'
import { rootScope, type Scope } from '../../engine/nn/scope.ts'
import { pool, weightsOf } from '../../models/embedder/readout.ts'
import { rowWidth } from '../../models/families/decoder-inputs.ts'
import type { DecoderPieces } from '../../models/families/family.ts'
import type { VisionLanguageModel } from '../../models/families/model.ts'
import { type ParameterSlot, parametersOf } from '../../models/families/weights.ts'

/** Poolings that one pass gives; which one serves is chosen on dev rows. */
export const TUNED_POOLS = ['mean', 'last'] as const
export type TunedPool = (typeof TUNED_POOLS)[number]

/**
 * A group of sequences of similar length, padded to the longest: feeds `input_ids0` … of group 0.
 */
export interface SequenceGroup {
  pieces: DecoderPieces
  /** `[batch, seq]` weights of each pool. */
  weights: Readonly<Record<TunedPool, Value<'f32'>>>
}

/**
 * Declares the inputs of group `index` and runs the decoder on them: `input_ids`, `attention_mask`,
 * `image_index` `[batch, seq] i64`, `pool_weights` `[pools, batch, seq]`, each with the index
 * behind its name, and `image_rows` `[rows, hidden]` for all groups; `position_ids`
 * `[axes, batch, seq]` for families whose positions have several numbers.
 */
export function sequenceGroup(
  scope: Scope,
  model: VisionLanguageModel,
  attention: AttentionPattern,
  index: number,
): SequenceGroup {
  const { graph } = scope
  const { positionAxes } = model.shape
  const dims = [`batch${index}`, `seq${index}`]
  const ids = (name: string) => graph.input(`${name}${index}`, 'i64', dims)
  const inputs = {
    inputIds: ids('input_ids'),
    attentionMask: ids('attention_mask'),
    imageRows: graph.input('image_rows', 'f32', ['rows', rowWidth(model.shape)]),
    imageIndex: ids('image_index'),
    positions:
      positionAxes === undefined
        ? undefined
        : graph.input(`position_ids${index}`, 'i64', [positionAxes, ...dims]),
  }
  const weights = graph.input(`pool_weights${index}`, 'f32', [TUNED_POOLS.length, ...dims])
  return {
    pieces: model.buildDecoder(scope, inputs, { attention }),
    weights: {
      mean: weightsOf(weights, TUNED_POOLS.indexOf('mean')),
      last: weightsOf(weights, TUNED_POOLS.indexOf('last')),
    },
  }
}

/** `[batch, hidden]` unit vectors after the final norm. */
export function pooled({ pieces, weights }: SequenceGroup, by: TunedPool): Value<'f32'> {
  return pool(pieces.norm, weights[by])
}

/** What the decoder asks for, its head excepted. */
export function decoderParameters(model: VisionLanguageModel): ParameterSlot[] {
  const graph = new Graph()
  sequenceGroup(rootScope(graph), model, 'causal', 0)
  return parametersOf(graph)
}

/** Linear layers of the decoder, by name without `.weight`, with their sizes. */
export function decoderLinears(
  model: VisionLanguageModel,
): { module: string; inFeatures: number; outFeatures: number }[] {
  const graph = new Graph()
  const names: string[] = []
  const scope = rootScope(graph, {
    adapter: (name) => {
      names.push(name)
      return undefined
    },
  })
  sequenceGroup(scope, model, 'causal', 0)
  const dims = new Map(parametersOf(graph).map((slot) => [slot.name, slot.dims]))
  return names.map((module) => {
    const [outFeatures = 0, inFeatures = 0] = dims.get(`${module}.weight`) ?? []
    return { module, inFeatures, outFeatures }
  })
}
