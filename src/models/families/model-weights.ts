/**
 * @file How the weights of a model enter its graphs, whatever state the model is in: as the files
 * have them, with an adapter (`adapted.ts`), in training, or with a random decoder.
 */

import type { CompiledGraph } from '../../engine/graph/compiled.ts'
import type { ScopeOptions } from '../../engine/nn/scope.ts'
import type { WeightSource } from '../../engine/runtime/weights.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { withArrays } from '../checkpoint/adapter-binding.ts'
import type { Checkpoint } from '../checkpoint/folder.ts'
import { initialWeights } from './initial.ts'
import type { Model, VisionLanguageModel } from './model.ts'
import { decoderParameters } from './parameters.ts'
import { checkpointWeights } from './weights.ts'

/** The weights of a model in one state. Every graph of the model is built and run with them. */
export interface ModelWeights {
  /** How weights enter a graph. */
  readonly scope: ScopeOptions & Required<Pick<ScopeOptions, 'storedDtype'>>
  /**
   * The arrays that a graph wants with each run. They are the state's own arrays: a training that
   * changes them in place changes what later runs are fed with.
   */
  feeds(compiled: CompiledGraph): Record<string, Tensor<'f32'>>
  /** The weights of a graph that are not fed; those that the state changes are made now. */
  source(compiled: CompiledGraph): Promise<WeightSource>
  /** One weight as f32, by canonical name. */
  read(name: string): Promise<Tensor<'f32'>>
}

/** The weights as the files have them. */
export function storedWeights(checkpoint: Checkpoint, model: Pick<Model, 'weightSpellings'>): ModelWeights {
  const stored = checkpointWeights(checkpoint, model.weightSpellings)
  return {
    scope: { storedDtype: stored.storedDtype },
    feeds: () => ({}),
    source: async () => stored,
    read: async (name) => toF32(await checkpoint.read(stored.find(name)?.name ?? name)),
  }
}

interface RandomDecoderOptions {
  /** Tower and projector stay as they are here. */
  base: ModelWeights
  model: VisionLanguageModel
  seed: number
}

/**
 * Random weights in the decoder: the control that tells how much the decoder's pretraining is
 * worth.
 */
export function randomDecoder({ base, model, seed }: RandomDecoderOptions): ModelWeights {
  const arrays = initialWeights(decoderParameters(model), { seed, layers: model.shape.layers })
  return withTensors(base, new Map(Object.entries(arrays)))
}

/** Weights of which some are arrays in memory. @param arrays by canonical name */
export function withTensors(base: ModelWeights, arrays: ReadonlyMap<string, Tensor<'f32'>>): ModelWeights {
  return {
    ...base,
    scope: {
      ...base.scope,
      storedDtype: (name) => (arrays.has(name) ? 'f32' : base.scope.storedDtype(name)),
    },
    source: async (compiled) => withArrays(await base.source(compiled), arrays),
    read: async (name) => arrays.get(name) ?? (await base.read(name)),
  }
}
