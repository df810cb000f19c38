/**
 * @file A checkpoint's weights with an adapter: its linear layers updated inside the graph, or all
 * weights merged before it runs.
 */

import type { LowRank } from '../../engine/nn/scope.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { Adapter, LowRankUpdate } from '../checkpoint/adapter.ts'
import { updateParameters } from '../checkpoint/adapter.ts'
import {
  type BoundAdapter,
  bindAdapter,
  editedWeights,
  type FoundWeight,
  mergedEdits,
  weightFinder,
  withArrays,
} from '../checkpoint/adapter-binding.ts'
import { CheckpointError } from '../checkpoint/errors.ts'
import type { Checkpoint } from '../checkpoint/folder.ts'
import type { Model } from './model.ts'
import { type ModelWeights, storedWeights } from './model-weights.ts'
import { modelParameters } from './parameters.ts'

/**
 * `live`: linear layers run with their update beside them, the base's weights stay on disk.
 * `merged`: changed weights are made once, in f32, when a session opens: a little faster for each
 * item, and as much memory as the adapted weights take. What is no linear layer (embedding tables,
 * convolutions, biases, modules trained whole) is made once either way.
 */
export type AdapterMode = 'live' | 'merged'

/** A checkpoint's weights with an adapter, or without one. */
export interface AdaptedWeights extends ModelWeights {
  /** `undefined` without an adapter. */
  readonly bound: BoundAdapter | undefined
  /** A weight of the base under any spelling. */
  find(spelled: string): FoundWeight | undefined
  /**
   * All weights that the adapter changes, merged, by canonical name; those that the model never
   * runs too.
   */
  merged(): Promise<ReadonlyMap<string, Tensor<'f32'>>>
}

export interface AdaptedOptions {
  checkpoint: Checkpoint
  model: Model
  adapter?: Adapter
  /** Default `live`. */
  mode?: AdapterMode
  /** The weights that the adapter changes; default: those of the checkpoint. */
  base?: ModelWeights
}

/**
 * `feeds` throws CheckpointError `checkpoint/adapter-target` when an update is for a weight that
 * the graph doesn't use as a linear layer's.
 * @throws CheckpointError `checkpoint/adapter-target` when the adapter is for another model
 */
export function adaptedWeights({
  checkpoint,
  model,
  adapter,
  mode = 'live',
  base = storedWeights(checkpoint, model),
}: AdaptedOptions): AdaptedWeights {
  const named = {
    parameters: modelParameters(model),
    spellings: model.weightSpellings,
    tensors: checkpoint.tensors,
  }
  const bound = adapter && bindAdapter(adapter, named)
  const linears: ReadonlyMap<string, LowRankUpdate> = (mode === 'live' && bound?.linears) || new Map()
  const edits = bound === undefined ? new Map() : mode === 'live' ? bound.edits : mergedEdits(bound)
  const read = (name: string) => base.read(name)
  return {
    bound,
    find: weightFinder(named),
    merged: async () => (bound === undefined ? new Map() : await editedWeights(mergedEdits(bound), read)),
    read: async (name) => {
      const changes = bound && mergedEdits(bound).get(name)
      if (changes === undefined) return await read(name)
      return (await editedWeights(new Map([[name, changes]]), read)).get(name)!
    },
    scope: {
      ...base.scope,
      storedDtype: (name) => (edits.has(name) ? 'f32' : base.scope.storedDtype(name)),
      adapter: (linear) => lowRankOf(linears.get(linear)) ?? base.scope.adapter?.(linear),
    },
    feeds(compiled) {
      const wanted = new Set(compiled.inputs.map(({ name }) => name))
      const asked = new Set(compiled.weights.map(({ name }) => name))
      const arrays: Record<string, Tensor<'f32'>> = { ...base.feeds(compiled) }
      for (const [module, update] of linears) {
        const parameters = Object.entries(updateParameters(module, update)).filter(([name]) =>
          wanted.has(name),
        )
        if (asked.has(`${module}.weight`) && parameters.length === 0) throw noLinear(module)
        Object.assign(arrays, Object.fromEntries(parameters))
      }
      return arrays
    },
    async source(compiled) {
      const own = compiled.weights.flatMap(({ name }) =>
        edits.has(name) ? [[name, edits.get(name)!] as const] : [],
      )
      const stored = await base.source(compiled)
      return own.length === 0 ? stored : withArrays(stored, await editedWeights(new Map(own), read))
    },
  }
}

/** How a linear layer of a graph is told of its update. */
function lowRankOf(update: LowRankUpdate | undefined): LowRank | undefined {
  return update && { rank: update.down.dims[0]!, scale: update.scale, dora: update.magnitude !== undefined }
}

function noLinear(module: string): CheckpointError {
  return new CheckpointError('adapter-target', {
    message: `the adapter does not fit the base model: ${module} is no linear layer`,
    hint: 'Merge the adapter instead of running it live, or take the base model that adapter_config.json names.',
  })
}
