/** @file Weights that are trained themselves, not by updates beside them. */

import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { inStoredPrecision } from '../../../models/checkpoint/changed-copy.ts'
import { type ModelWeights, withTensors } from '../../../models/families/model-weights.ts'
import { checkpointWeights } from '../../../models/families/weights.ts'
import type { NamedArrays } from '../../training/arrays.ts'
import type { TunableModel } from '../tunable.ts'
import { visionNames, wholeParameters } from './modules.ts'
import type { TrainSettings } from './settings.ts'
import type { Trained } from './trained.ts'

/** @throws TuningError `tuning/targets` */
export async function trainedWhole(
  tunable: TunableModel,
  settings: Pick<TrainSettings, 'targets' | 'exclude' | 'modulesToSave'>,
): Promise<Trained> {
  return await trainedWeights(
    tunable,
    wholeParameters(tunable, settings).map(({ name }) => name),
  )
}

/** @param names canonical ones */
export async function trainedWeights(tunable: TunableModel, names: readonly string[]): Promise<Trained> {
  const { model, checkpoint, weights: base } = tunable
  const entries: [string, Tensor<'f32'>][] = []
  for (const name of names) {
    const { dims, data } = await base.read(name)
    entries.push([name, f32(dims, data.slice())])
  }
  const parameters: NamedArrays = Object.fromEntries(entries)
  const stored = checkpointWeights(checkpoint, model.weightSpellings)
  const vision = visionNames(model)
  /** As the written checkpoint has them. */
  const rounded = () =>
    new Map(
      Object.entries(parameters).map(([name, value]) => [
        name,
        inStoredPrecision(value, stored.storedDtype(name)),
      ]),
    )
  const tuned = (): ModelWeights => ({
    ...withTensors(base, new Map(Object.entries(parameters))),
    source: async (compiled) => await withTensors(base, rounded()).source(compiled),
    read: async (name) => await withTensors(base, rounded()).read(name),
  })
  return {
    parameters,
    idle: {},
    modules: Object.entries(parameters).map(([name, { data }]) => ({
      name: model.runtimeName(name),
      kind: 'whole',
      size: data.length,
      idle: false,
    })),
    tower: Object.keys(parameters).some((name) => vision.has(name)),
    dropout: undefined,
    peftName: (parameter) => model.runtimeName(parameter),
    training: () => ({
      ...base,
      feeds: (compiled) => ({
        ...base.feeds(compiled),
        ...Object.fromEntries(
          compiled.inputs.flatMap(({ name }) =>
            parameters[name] === undefined ? [] : [[name, parameters[name]]],
          ),
        ),
      }),
      scope: {
        ...base.scope,
        trainable: (name) => parameters[name] !== undefined || (base.scope.trainable?.(name) ?? false),
      },
      read: async (name) => await tuned().read(name),
    }),
    tuned,
    result: () => ({ kind: 'weights', weights: parameters }),
  }
}
