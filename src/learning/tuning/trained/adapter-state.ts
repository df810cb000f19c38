/**
 * @file The adapter behind a tuning, bound to its model: a fresh one by the settings, or a given
 * one.
 */

import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'
import {
  type Adapter,
  type AdapterConfig,
  initialUpdate,
  type LowRankUpdate,
} from '../../../models/checkpoint/adapter.ts'
import { bindAdapter, weightFinder } from '../../../models/checkpoint/adapter-binding.ts'
import { rankOf, scaleOf } from '../../../models/checkpoint/adapter-targets.ts'
import { modelParameters } from '../../../models/families/parameters.ts'
import { TuningError } from '../errors.ts'
import type { TunableModel } from '../tunable.ts'
import { type LinearModule, linearModules, savedParameters, targetedModules } from './modules.ts'
import type { TrainSettings } from './settings.ts'

/** An update, or a whole weight, with its names. */
interface Named<T> {
  /** The canonical name. */
  readonly name: string
  /** The name in the adapter's folder. */
  readonly spelled: string
  /** Whether no vector depends on it. */
  readonly idle: boolean
  readonly value: T
}

/** An adapter whose parts are known by their canonical names. */
export interface AdapterState {
  readonly config: AdapterConfig
  readonly updates: readonly Named<LowRankUpdate>[]
  readonly whole: readonly Named<Tensor<'f32'>>[]
}

/** @throws TuningError `tuning/targets`, `tuning/rank` */
export async function freshAdapter(
  tunable: TunableModel,
  settings: TrainSettings,
  seed: number,
): Promise<AdapterState> {
  const { modules, targets } = targetedModules(tunable, settings)
  const { rank, dora, initial } = settings
  const config: AdapterConfig = {
    baseModel: null,
    revision: null,
    rank,
    alpha: settings.alpha ?? 2 * rank,
    rankStabilised: settings.rslora,
    rankPattern: settings.rankPattern,
    alphaPattern: settings.alphaPattern,
    targets,
    excluded: settings.exclude,
    layers: [],
    layersPattern: [],
    saved: settings.modulesToSave,
    bias: 'none',
    dora,
    updateBias: false,
    tokenIds: null,
    ...(settings.dropout === 0 ? {} : { dropout: settings.dropout }),
    ...(initial === 'gaussian' ? {} : { initial }),
  }
  for (const { runtime } of modules) requireRank(rankOf(config, runtime), tunable)
  const updates: Named<LowRankUpdate>[] = []
  for (const { name, runtime, inFeatures, outFeatures, idle } of modules) {
    const ownRank = rankOf(config, runtime)
    const layer = { module: name, inFeatures, outFeatures }
    const update = initialUpdate(layer, { rank: ownRank, scale: scaleOf(config, runtime), seed, initial })
    const magnitude = dora ? rowLengths(await tunable.weights.read(`${name}.weight`)) : undefined
    const value = magnitude === undefined ? update : { ...update, magnitude }
    updates.push({ name, spelled: runtime, idle, value })
  }
  const whole: Named<Tensor<'f32'>>[] = []
  for (const { name } of savedParameters(tunable, settings.modulesToSave)) {
    const value = copied(await tunable.weights.read(name))
    whole.push({ name, spelled: tunable.model.runtimeName(name), idle: false, value })
  }
  return { config, updates, whole }
}

/**
 * Finds the weights of a given adapter. Its arrays are kept, not copied.
 * @throws CheckpointError `checkpoint/adapter-target`; TuningError `tuning/train` for parts that
 *   are not trained here
 */
export function continuedAdapter(tunable: TunableModel, adapter: Adapter): AdapterState {
  const { model, checkpoint } = tunable
  const base = {
    parameters: modelParameters(model, { head: false }),
    spellings: model.weightSpellings,
    tensors: checkpoint.tensors,
  }
  bindAdapter(adapter, base)
  const linears = new Map(linearModules(tunable).map((module) => [module.name, module]))
  const find = weightFinder(base)
  const refused: string[] = adapter.rows === undefined ? [] : [...adapter.rows.keys()]
  const updates = [...adapter.modules].map(([spelled, value]): Named<LowRankUpdate> => {
    const found = find(`${spelled}.weight`)
    const name = found?.name.replace(/\.weight$/, '') ?? spelled
    // An update of the head, or of a layer that the model never runs, stays as it is.
    const idle = found?.used !== true
    if (!idle && !isTrainable(linears.get(name), value)) refused.push(spelled)
    return { name, spelled, idle, value }
  })
  const whole = [...(adapter.replaced ?? [])].map(([spelled, value]): Named<Tensor<'f32'>> => {
    const found = find(spelled)
    return { name: found?.name ?? spelled, spelled, idle: found?.used !== true, value }
  })
  if (refused.length === 0) return { config: adapter.config, updates, whole }
  throw new TuningError('train', {
    message: `${tunable.dir}: the adapter has updates of embedding tables, convolutions, biases or single rows, which are not trained: ${refused.slice(0, 3).join(', ')}${refused.length > 3 ? ', …' : ''}`,
    hint: 'Merge the adapter into its base (`bifocal merge`), and tune the merged model.',
  })
}

function isTrainable(module: LinearModule | undefined, { layout, shift }: LowRankUpdate): boolean {
  return module !== undefined && shift === undefined && (layout ?? 'linear') === 'linear'
}

function requireRank(rank: number, { dir, model: { shape } }: TunableModel): void {
  if (rank <= shape.hidden) return
  throw new TuningError('rank', {
    message: `updates of rank ${rank} on ${dir}, whose states are ${shape.hidden} wide: a matrix has no more`,
    hint: `Give a rank of at most ${shape.hidden}, or tune all weights.`,
  })
}

/** Lengths of a weight's rows, DoRA's first magnitudes. @param weight `[out, in]` */
function rowLengths({ dims: [rows = 0, columns = 0], data }: Tensor<'f32'>): Tensor<'f32'> {
  const lengths = new Float32Array(rows)
  for (let row = 0; row < rows; row++) {
    let sum = 0
    for (let at = row * columns; at < (row + 1) * columns; at++) sum += data[at]! * data[at]!
    lengths[row] = Math.sqrt(sum)
  }
  return f32([rows], lengths)
}

function copied({ dims, data }: Tensor<'f32'>): Tensor<'f32'> {
  return f32(dims, data.slice())
}
