/** @file Low-rank adapters: their content, fresh ones, and their parameters for training. */

import { createHash } from 'node:crypto'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { f32, type Tensor, zeros } from '../../foundation/numeric/tensor.ts'

/**
 * The settings of an adapter: its base model, the modules that it changes, and how strongly. Field
 * names follow PEFT's config, in camel case.
 */
export interface AdapterConfig {
  /** Name or path of the base model, `null` where unknown. */
  baseModel: string | null
  revision: string | null
  rank: number
  alpha: number
  /** Scale alpha / √rank instead of alpha / rank. @see Kalajdzievski 2023 */
  rankStabilised: boolean
  /**
   * Ranks and alphas of single modules: a key is a regular expression that matches the end of a
   * module path.
   */
  rankPattern: Readonly<Record<string, number>>
  alphaPattern: Readonly<Record<string, number>>
  /**
   * Which modules PEFT adapts when it loads the folder: path endings, a regular expression for the
   * whole path, or `all-linear`.
   */
  targets: readonly string[] | string
  /** Modules that stay unchanged though `targets` names them; written in the same two ways. */
  excluded: readonly string[] | string
  /** Numbers of the layers to adapt; empty = all. */
  layers: readonly number[]
  /** The part of a path before a layer's number: `layers`, `blocks`; empty = any. */
  layersPattern: readonly string[]
  /** Path endings of modules that were trained whole. */
  saved: readonly string[]
  /** Which of the base's own biases were trained. */
  bias: 'none' | 'all' | 'lora_only'
  /** Whether updates also set the lengths of a weight's rows. @see Liu et al. 2024 (DoRA) */
  dora: boolean
  /** Whether B has a bias. */
  updateBias: boolean
  /** Rows of the embedding table that were trained: their ids, or ids by the name of the table. */
  tokenIds: readonly number[] | Readonly<Record<string, readonly number[]>> | null
  /**
   * Share of elements that updates did not see in training; absent: none. No vector depends on it.
   */
  dropout?: number
  /** How A began; absent: `gaussian`. No vector depends on it. */
  initial?: InitialValues
  /** Class of the base model in Python, by which `AutoPeftModel` opens it; absent: unknown. */
  baseClass?: PythonClass
}

export interface PythonClass {
  /** `LlavaForConditionalGeneration`. */
  name: string
  /** `transformers.models.llava.modeling_llava`. */
  module: string
}

/**
 * Values of A before training, B being zero. `gaussian`: normal, of standard deviation 1 / rank;
 * `kaiming`: uniform within 1 / √inputs. The names are PEFT's; its default is the second.
 */
export type InitialValues = 'gaussian' | 'kaiming'

/**
 * The update of one weight, seen as a matrix: `W' = W + scale · B · A`; with magnitudes each row of
 * W' (of an embedding table: each column) is scaled to the length of its own.
 */
export interface LowRankUpdate {
  /**
   * A `[rank, in] f32`; of a convolution `[rank, …kernel]`; of an embedding table `[rank, rows]`.
   */
  down: Tensor<'f32'>
  /**
   * B `[out, rank] f32`; of a convolution with ones behind; of an embedding table `[dim, rank]`.
   */
  up: Tensor<'f32'>
  scale: number
  /** `[out] f32`, of an embedding table `[dim]`; only DoRA has it. */
  magnitude?: Tensor<'f32'>
  /** Bias of B `[out] f32`: `scale` times it joins the layer's own bias. */
  shift?: Tensor<'f32'>
  /** The kind of the weight; default a linear layer. */
  layout?: 'linear' | 'convolution' | 'embedding'
}

/** Rows of an embedding table that have values of their own. */
export interface TrainedRows {
  ids: readonly number[]
  /** `[ids, dim] f32`. */
  values: Tensor<'f32'>
}

export interface Adapter {
  config: AdapterConfig
  /** By module path in the base model, e.g. `model.language_model.layers.0.self_attn.q_proj`. */
  modules: ReadonlyMap<string, LowRankUpdate>
  /**
   * Whole tensors instead of the base's, by full name: modules that were trained whole, and biases.
   */
  replaced?: ReadonlyMap<string, Tensor<'f32'>>
  /** By module path of the table. */
  rows?: ReadonlyMap<string, TrainedRows>
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
 * Makes a fresh update of a layer, which changes nothing yet: B is zero. The random numbers depend
 * on the seed and the layer's name alone.
 * @see specs/vlm2vec-mmeb.md §5.7
 */
export function initialUpdate(
  { module, inFeatures, outFeatures }: AdaptedLayer,
  {
    rank,
    scale,
    seed,
    initial = 'gaussian',
  }: { rank: number; scale: number; seed: number; initial?: InitialValues },
): LowRankUpdate {
  const random = stream(seed, 'adapter', module)
  const values = new Float32Array(rank * inFeatures)
  const bound = 1 / Math.sqrt(inFeatures)
  if (initial === 'gaussian') fillNormal(values, 1 / rank, random)
  else for (let i = 0; i < values.length; i++) values[i] = (2 * random() - 1) * bound
  return { down: f32([rank, inFeatures], values), up: zeros([outFeatures, rank]), scale }
}

/** Makes a fresh adapter of equal updates, `gaussian` at first. */
export function initialAdapter(
  layers: readonly AdaptedLayer[],
  { rank, alpha, seed, baseModel, revision }: InitialAdapterOptions,
): Adapter {
  const modules = layers.map(
    (layer) => [layer.module, initialUpdate(layer, { rank, scale: alpha / rank, seed })] as const,
  )
  const config: AdapterConfig = {
    baseModel: baseModel ?? null,
    revision: revision ?? null,
    rank,
    alpha,
    rankStabilised: false,
    rankPattern: {},
    alphaPattern: {},
    targets: layers.map(({ module }) => module).sort(),
    excluded: [],
    layers: [],
    layersPattern: [],
    saved: [],
    bias: 'none',
    dora: false,
    updateBias: false,
    tokenIds: null,
  }
  return { config, modules: new Map(modules) }
}

/**
 * Names the arrays of one update, as a graph's parameters and PEFT's tensors are named:
 * `<module>.lora_A.weight`, `<module>.lora_B.weight` and, for DoRA,
 * `<module>.lora_magnitude_vector.weight`.
 */
export function updateParameters(
  module: string,
  { down, up, magnitude }: LowRankUpdate,
): Record<string, Tensor<'f32'>> {
  const parameters = { [`${module}.lora_A.weight`]: down, [`${module}.lora_B.weight`]: up }
  return magnitude === undefined
    ? parameters
    : { ...parameters, [`${module}.lora_magnitude_vector.weight`]: magnitude }
}

/**
 * The arrays to train, of all linear layers. They are the adapter's own, not copies: training
 * changes the adapter.
 */
export function adapterParameters({ modules }: Adapter): Record<string, Tensor<'f32'>> {
  return Object.assign({}, ...[...modules].map(([module, update]) => updateParameters(module, update)))
}

/** A hash of all arrays of an adapter and of what they do, hexadecimal. */
export function hashOfAdapter({ config, modules, replaced, rows }: Adapter): string {
  const hash = createHash('sha256').update(JSON.stringify(config))
  const add = (name: string, { dims, data }: Tensor<'f32'>) =>
    hash
      .update(JSON.stringify([name, dims]))
      .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  for (const [module, update] of modules) {
    const { scale, layout, shift } = update
    hash.update(JSON.stringify([module, scale, layout]))
    for (const [name, tensor] of Object.entries(updateParameters(module, update))) add(name, tensor)
    if (shift !== undefined) add(`${module} shift`, shift)
  }
  for (const [name, tensor] of replaced ?? []) add(name, tensor)
  for (const [module, { ids, values }] of rows ?? []) add(JSON.stringify([module, ids]), values)
  return hash.digest('hex')
}
