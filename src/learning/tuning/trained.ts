/**
 * @file The state of a tuning: low-rank updates of the decoder's linear layers, or the decoder's
 * own weights, as arrays in memory that each step changes. Two graphs read them: the one that is
 * trained, and an embedder's.
 */

import { type Adapter, adapterParameters, initialAdapter } from '../../models/checkpoint/adapter.ts'
import { inStoredPrecision } from '../../models/checkpoint/changed-copy.ts'
import { adaptedWeights } from '../../models/families/adapted.ts'
import type { VisionLanguageModel } from '../../models/families/model.ts'
import { type ModelWeights, withTensors } from '../../models/families/model-weights.ts'
import { decoderLinears, decoderParameters } from '../../models/families/parameters.ts'
import { checkpointWeights } from '../../models/families/weights.ts'
import type { NamedArrays } from '../training/arrays.ts'
import { TuningError } from './errors.ts'
import type { TunableModel } from './tunable.ts'

/**
 * `lora`: updates of rank `rank` and scale `alpha / rank` on every linear layer of the decoder;
 * `all`: all weights of the decoder but the embedding table.
 */
export type TunedPart = { tune: 'lora'; rank: number; alpha: number } | { tune: 'all' }

/** How the weights of a model enter the graph that trains `part` of it. */
export function trainingWeights(
  { model, weights: base }: TunableModel,
  part: TunedPart,
  parameters: NamedArrays,
): ModelWeights {
  const feeds = () => ({ ...parameters })
  if (part.tune === 'all')
    return { ...base, feeds, scope: { ...base.scope, trainable: (name) => parameters[name] !== undefined } }
  const names = new Set(decoderLinears(model).map(({ module }) => module))
  // Merged in the graph: a step has thousands of rows for a rank of tens (measured: 0.7 of the time
  // of the products apart).
  const update = { rank: part.rank, scale: part.alpha / part.rank, merged: true }
  return {
    ...base,
    feeds,
    scope: { ...base.scope, adapter: (name) => (names.has(name) ? update : undefined) },
  }
}

/**
 * How the weights enter an embedder's graphs: exactly as those of the folder that `writeTuned`
 * writes.
 */
export function tunedWeights(tunable: TunableModel, part: TunedPart, parameters: NamedArrays): ModelWeights {
  const { checkpoint, model, weights: base } = tunable
  if (part.tune === 'all') {
    const { storedDtype } = checkpointWeights(checkpoint, model.weightSpellings)
    const rounded = Object.entries(parameters).map(
      ([name, value]) => [name, inStoredPrecision(value, storedDtype(name))] as const,
    )
    return withTensors(base, new Map(rounded))
  }
  return adaptedWeights({ checkpoint, model, adapter: tunedAdapter(model, part, parameters), base })
}

/** The low-rank updates as an adapter, its modules spelled as the files of the base spell them. */
export function tunedAdapter(
  model: VisionLanguageModel,
  part: Extract<TunedPart, { tune: 'lora' }>,
  parameters: NamedArrays,
): Adapter {
  const linears = decoderLinears(model)
  const spelled = (module: string) =>
    (model.weightSpellings(`${module}.weight`)[0] ?? module).replace(/\.weight$/, '')
  const { config } = initialAdapter(
    linears.map((layer) => ({ ...layer, module: spelled(layer.module) })),
    { ...part, seed: 0 },
  )
  const modules = linears.map(({ module }) => {
    const [down, up] = [parameters[`${module}.lora_A.weight`]!, parameters[`${module}.lora_B.weight`]!]
    return [spelled(module), { down, up, scale: part.alpha / part.rank }] as const
  })
  return { config, modules: new Map(modules) }
}

/**
 * Gives the values before the first step. They leave the model as it is.
 * @throws TuningError `tuning/rank`
 */
export async function initialTrained(
  tunable: TunableModel,
  part: TunedPart,
  seed: number,
): Promise<NamedArrays> {
  const { model, weights } = tunable
  if (part.tune === 'lora') {
    requireRank(part.rank, tunable)
    return adapterParameters(initialAdapter(decoderLinears(model), { ...part, seed }))
  }
  const entries: [string, NamedArrays[string]][] = []
  for (const name of wholeWeights(model)) {
    const { dims, data } = await weights.read(name)
    entries.push([name, { dtype: 'f32', dims, data: data.slice() }])
  }
  return Object.fromEntries(entries)
}

function requireRank(rank: number, { dir, model: { shape } }: TunableModel): void {
  if (rank <= shape.hidden) return
  throw new TuningError('rank', {
    message: `updates of rank ${rank} on ${dir}, whose states are ${shape.hidden} wide: a matrix has no more`,
    hint: `Give a rank of at most ${shape.hidden}, or tune all weights.`,
  })
}

/**
 * The embedding table stays: a few hundred steps see each token too rarely, and its gradient is as
 * large as a layer's.
 */
function wholeWeights(model: VisionLanguageModel): string[] {
  return decoderParameters(model)
    .filter(({ dims }) => dims[0] !== model.shape.vocabulary)
    .map(({ name }) => name)
}
