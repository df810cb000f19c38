/** @file Low-rank adapters: fresh ones, their parameters for training, and merging into weights. */

import { fillNormal, stream } from '../numeric/random.ts'
import { f32, type Tensor, zeros } from '../numeric/tensor.ts'
import { CheckpointError } from './errors.ts'

/** What an adapter is made for, and how strongly it acts. Field names follow PEFT's config, in camel case. */
export interface AdapterConfig {
  /** Name or path of the base model, `null` where unknown. */
  baseModel: string | null
  revision: string | null
  rank: number
  alpha: number
  /** Scale alpha / √rank instead of alpha / rank. @see Kalajdzievski 2023 */
  rankStabilised: boolean
  /** Ranks and alphas of single modules: a key is a regular expression that matches the end of a module path. */
  rankPattern: Readonly<Record<string, number>>
  alphaPattern: Readonly<Record<string, number>>
  /** Which modules PEFT adapts when it loads the folder: path endings, or a regular expression for the whole path. */
  targets: readonly string[] | string
}

/** The update of one linear layer: `scale · up · down` is added to its weight. */
export interface LowRankUpdate {
  /** A `[rank, in] f32`. */
  down: Tensor<'f32'>
  /** B `[out, rank] f32`. */
  up: Tensor<'f32'>
  scale: number
}

export interface Adapter {
  config: AdapterConfig
  /** By module path in the base model, e.g. `model.language_model.layers.0.self_attn.q_proj`. */
  modules: ReadonlyMap<string, LowRankUpdate>
}

/** A linear layer to adapt. */
export interface AdaptedLayer {
  module: string
  inFeatures: number
  outFeatures: number
}

export interface InitialAdapterOptions {
  rank: number
  alpha: number
  seed: number
  baseModel?: string
  revision?: string
}

/**
 * A fresh adapter: A normal with standard deviation 1 / rank, B zero, so that it changes nothing yet. Each module draws by its own name.
 * @see specs/vlm2vec-mmeb.md §5.7 (PEFT's "gaussian")
 */
export function initialAdapter(
  layers: readonly AdaptedLayer[],
  { rank, alpha, seed, baseModel, revision }: InitialAdapterOptions,
): Adapter {
  const scale = alpha / rank
  const modules = layers.map(({ module, inFeatures, outFeatures }): [string, LowRankUpdate] => {
    const values = fillNormal(new Float32Array(rank * inFeatures), 1 / rank, stream(seed, 'adapter', module))
    return [module, { down: f32([rank, inFeatures], values), up: zeros([outFeatures, rank]), scale }]
  })
  const config = {
    baseModel: baseModel ?? null,
    revision: revision ?? null,
    rank,
    alpha,
    rankStabilised: false,
    rankPattern: {},
    alphaPattern: {},
    targets: layers.map(({ module }) => module).sort(),
  }
  return { config, modules: new Map(modules) }
}

/** The arrays to train, `<module>.lora_A.weight` and `<module>.lora_B.weight`: those of the adapter itself, so training changes it. */
export function adapterParameters({ modules }: Adapter): Record<string, Tensor<'f32'>> {
  return Object.fromEntries(
    [...modules].flatMap(([module, { down, up }]) => [
      [`${module}.lora_A.weight`, down],
      [`${module}.lora_B.weight`, up],
    ]),
  )
}

/** `alpha / rank` of one module (by square root where rank-stabilised), patterns applied. */
export function scaleOf(config: AdapterConfig, module: string): number {
  const rank = rankOf(config, module)
  return patternValue(config.alphaPattern, module, config.alpha) / (config.rankStabilised ? Math.sqrt(rank) : rank)
}

export function rankOf(config: AdapterConfig, module: string): number {
  return patternValue(config.rankPattern, module, config.rank)
}

/** The first pattern that matches the end of the path, at a dot or as a whole: PEFT's rule. */
function patternValue(patterns: Readonly<Record<string, number>>, module: string, fallback: number): number {
  const found = Object.entries(patterns).find(([pattern]) => new RegExp(`^(.*\\.)?(?:${pattern})$`).test(module))
  return found?.[1] ?? fallback
}

/**
 * `W + scale · B · A` for every adapted module, summed in f64.
 * @param base the weight `[out, in]` of a module; names in the checkpoint may be spelled otherwise than in the adapter
 * @returns `<module>.weight` → merged weight, f32
 * @throws CheckpointError `checkpoint/adapter-target` when a module is missing in the base or has other dims, or the adapter is empty
 */
export async function mergeAdapter(
  { modules }: Adapter,
  base: (module: string) => Promise<Tensor<'f32'> | undefined>,
): Promise<Map<string, Tensor<'f32'>>> {
  const merged = new Map<string, Tensor<'f32'>>()
  const problems: string[] = modules.size === 0 ? ['the adapter has no tensors'] : []
  for (const [module, update] of modules) {
    const weight = await base(module)
    const expected = [update.up.dims[0]!, update.down.dims[1]!]
    if (weight === undefined) problems.push(`${module} is not in the base model`)
    else if (weight.dims.join() !== expected.join())
      problems.push(`${module} is [${weight.dims}] in the base model, [${expected}] in the adapter`)
    else merged.set(`${module}.weight`, mergedWeight(weight, update))
  }
  if (problems.length === 0) return merged
  throw new CheckpointError('adapter-target', {
    message: `the adapter does not fit the base model: ${problems.join('; ')}`,
    hint: 'Take the base model and revision that adapter_config.json names.',
  })
}

function mergedWeight(weight: Tensor<'f32'>, { down, up, scale }: LowRankUpdate): Tensor<'f32'> {
  const [rows, columns] = weight.dims
  const rank = down.dims[0]!
  const out = new Float32Array(weight.data.length)
  const sum = new Float64Array(columns!)
  for (let r = 0; r < rows!; r++) {
    sum.fill(0)
    for (let k = 0; k < rank; k++) {
      const factor = up.data[r * rank + k]!
      for (let c = 0; c < columns!; c++) sum[c]! += factor * down.data[k * columns! + c]!
    }
    for (let c = 0; c < columns!; c++) out[r * columns! + c] = weight.data[r * columns! + c]! + scale * sum[c]!
  }
  return f32(weight.dims, out)
}
