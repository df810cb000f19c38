/**
 * @file Low-rank updates in training (LoRA, rank-stabilised LoRA, DoRA), with modules that are
 * trained whole beside them.
 */

import type { LowRank } from '../../../engine/nn/scope.ts'
import type { Tensor } from '../../../foundation/numeric/tensor.ts'
import { type Adapter, type LowRankUpdate, updateParameters } from '../../../models/checkpoint/adapter.ts'
import { adaptedWeights } from '../../../models/families/adapted.ts'
import type { ModelWeights } from '../../../models/families/model-weights.ts'
import type { NamedArrays } from '../../training/arrays.ts'
import type { TunableModel } from '../tunable.ts'
import type { AdapterState } from './adapter-state.ts'
import { type Dropout, dropout } from './dropout.ts'
import { visionNames } from './modules.ts'
import type { Trained, TrainedModule, TrainingOptions } from './trained.ts'

/** @param seed of dropout */
export function trainedLowRank(
  { model, checkpoint, weights: base }: TunableModel,
  state: AdapterState,
  seed: number,
): Trained {
  const { config, updates, whole } = state
  const live = new Map(updates.flatMap(({ name, idle, value }) => (idle ? [] : [[name, value] as const])))
  const parameters = arraysOf(state, false)
  const saved = new Set(whole.flatMap(({ name, idle }) => (idle ? [] : [name])))
  const dropped = config.dropout === undefined ? undefined : dropout(config.dropout, seed)
  const vision = visionNames(model)
  const peftNames = new Map([
    ...updates.flatMap(({ name, spelled, value }) =>
      Object.keys(updateParameters('', value)).map((part) => [name + part, spelled + part] as const),
    ),
    ...whole.map(({ name, spelled }) => [name, spelled] as const),
  ])
  const adapter = (): Adapter => ({
    config,
    modules: new Map(updates.map(({ spelled, value }) => [spelled, value])),
    ...(whole.length === 0 ? {} : { replaced: new Map(whole.map(({ spelled, value }) => [spelled, value])) }),
  })
  const tuned = () => adaptedWeights({ checkpoint, model, adapter: adapter(), base })
  return {
    parameters,
    idle: arraysOf(state, true),
    modules: modulesOf(state),
    tower:
      [...live.keys()].some((name) => vision.has(`${name}.weight`)) ||
      [...saved].some((name) => vision.has(name)),
    dropout: dropped,
    peftName: (parameter) => peftNames.get(parameter) ?? parameter,
    training: ({
      rows = Number.POSITIVE_INFINITY,
      dropout: drops = true,
    }: TrainingOptions = {}): ModelWeights => ({
      scope: {
        ...base.scope,
        trainable: (name) => saved.has(name) || (base.scope.trainable?.(name) ?? false),
        adapter: (name) =>
          lowRankOf(name, live.get(name), { rows, dropped: drops ? dropped : undefined }) ??
          base.scope.adapter?.(name),
      },
      feeds: (compiled) => ({
        ...base.feeds(compiled),
        ...Object.fromEntries(
          compiled.inputs.flatMap(({ name }) =>
            parameters[name] === undefined ? [] : [[name, parameters[name]]],
          ),
        ),
      }),
      source: async (compiled) => await base.source(compiled),
      read: async (name) => await tuned().read(name),
    }),
    tuned,
    result: () => ({ kind: 'adapter', adapter: adapter() }),
  }
}

function lowRankOf(
  name: string,
  update: LowRankUpdate | undefined,
  { rows, dropped }: { rows: number; dropped: Dropout | undefined },
): LowRank | undefined {
  if (update === undefined) return undefined
  const { down, up, scale, magnitude } = update
  const [rank = 0, inputs = 0] = down.dims
  const [outputs = 0] = up.dims
  return {
    rank,
    scale,
    dora: magnitude !== undefined,
    // Joined, a step costs a few passes over the weight; apart, two narrow products and a sum for
    // each row. With thousands of rows for a rank of tens, joined takes 0.7 of the time.
    merged: rows * (inputs + outputs) > 2 * inputs * outputs,
    ...(dropped === undefined ? {} : { dropout: (x) => dropped.apply(x, name) }),
  }
}

/** The arrays that are trained, or those that are idle, by canonical name. They are not copied. */
function arraysOf({ updates, whole }: AdapterState, idle: boolean): NamedArrays {
  const arrays: Record<string, Tensor<'f32'>> = {}
  for (const update of updates)
    if (update.idle === idle) Object.assign(arrays, updateParameters(update.name, update.value))
  for (const weight of whole) if (weight.idle === idle) arrays[weight.name] = weight.value
  return arrays
}

function modulesOf({ updates, whole }: AdapterState): TrainedModule[] {
  return [
    ...updates.map(
      ({ name, spelled, idle, value }): TrainedModule => ({
        name: spelled,
        kind: value.magnitude === undefined ? 'lora' : 'dora',
        rank: value.down.dims[0]!,
        size: Object.values(updateParameters(name, value)).reduce((sum, { data }) => sum + data.length, 0),
        idle,
      }),
    ),
    ...whole.map(
      ({ spelled, idle, value }): TrainedModule => ({
        name: spelled,
        kind: 'whole',
        size: value.data.length,
        idle,
      }),
    ),
  ]
}
