/**
 * @file Gives layers their weights by name and shape: stored, trained, or with a low-rank update
 * beside them.
 */

import { cast, mul } from '../graph/elementwise.ts'
import type { Graph, Value } from '../graph/graph.ts'
import { gather } from '../graph/indexing.ts'
import {
  doraLinear,
  linear,
  loraLinear,
  rowStretch,
  summedWeight,
  type UpdatedWeight,
} from '../graph/matmul.ts'
import { recomputed } from '../graph/recompute.ts'
import { reshape } from '../graph/shaping.ts'

/**
 * Tensors of one module, by name. The graph's `Parameter` nodes record every tensor that a layer
 * asked for.
 */
export interface Scope {
  readonly graph: Graph
  /** The start of each full name, with its dot: `model.layers.0.`, or empty at the root. */
  readonly prefix: string
  /**
   * `[…dims] f32`. A tensor stored as f16 or bf16 comes with a cast; a trained one is fed as f32.
   */
  weight(name: string, dims: readonly number[]): Value<'f32'>
  /**
   * Rows of a table, `[…dims of indices, …dims of a row] f32`. Only the rows that are looked up are
   * cast: a published table of 126,464 × 4096 takes 2 GB in f32.
   */
  rows(name: string, dims: readonly number[], indices: Value<'i64'>): Value<'f32'>
  /**
   * `x·Wᵀ (+ b)` with `<name>.weight` `[out, in]` and `<name>.bias` `[out]`, plus the low-rank
   * update when an adapter targets it.
   * @param x `[…, in]` @returns `[…, out]`
   */
  linear(
    x: Value<'f32'>,
    name: string,
    inFeatures: number,
    outFeatures: number,
    options?: LinearOptions,
  ): Value<'f32'>
  /** A part of the model that needs `x` alone, e.g. one layer. See `ScopeOptions.recompute`. */
  segment(x: Value<'f32'>, build: (x: Value<'f32'>) => Value<'f32'>): Value<'f32'>
  /** The module `<name>` of this one. */
  under(name: string): Scope
}

export interface LinearOptions {
  /** Default true, as in PyTorch. */
  bias?: boolean
}

/** A low-rank update `scale·(x·Aᵀ)·Bᵀ`. @see Hu et al. 2021 (LoRA) */
export interface LowRank {
  rank: number
  scale: number
  /**
   * Scales each row of `W + scale·B·A` to the length that `<name>.lora_magnitude_vector.weight`
   * `[out]` says. The row's own length counts as constant in gradients.
   * @see Liu et al. 2024 (DoRA), §4.3
   */
  dora?: boolean
  /**
   * Adds the update to the weight first, `x·(W + scale·B·A)ᵀ`: one product over the rows instead of
   * three, which is faster where there are many more rows than `rank`. Default: apart, as in PEFT.
   * Dropout keeps the update apart.
   */
  merged?: boolean
  /**
   * Drops elements of the layer's input before the update sees them, while training. The layer's
   * own weight sees all. @param x `[…, in]` @returns the same shape
   */
  dropout?: (x: Value<'f32'>) => Value<'f32'>
}

/**
 * How weights enter the graph. Names are full: `language_model.layers.0.self_attn.q_proj.weight`.
 */
export interface ScopeOptions {
  /** The dtype in the checkpoint's headers; default f32. */
  storedDtype?: (name: string) => 'f32' | 'f16' | 'bf16'
  /** Trained weights are fed at each run; all others are initializers. Default: none is trained. */
  trainable?: (name: string) => boolean
  /**
   * The update of a linear layer (its name without `.weight`), if any. Its parameters
   * `<name>.lora_A.weight` `[rank, in]`, `<name>.lora_B.weight` `[out, rank]` and, for DoRA, its
   * magnitudes are always fed.
   */
  adapter?: (linearName: string) => LowRank | undefined
  /**
   * Whether a backward pass computes the inside of each layer anew instead of keeping it: it then
   * takes the memory of one layer instead of all, and the time of one more forward pass. Default
   * false.
   */
  recompute?: boolean
}

/** The scope of a whole model. */
export function rootScope(graph: Graph, options: ScopeOptions = {}): Scope {
  return scopeAt(graph, '', options)
}

function scopeAt(graph: Graph, prefix: string, options: ScopeOptions): Scope {
  const { storedDtype = () => 'f32', trainable = () => false, adapter = () => undefined } = options
  const stored = (name: string, dims: readonly number[]) => {
    const full = prefix + name
    return trainable(full)
      ? graph.parameter(full, 'f32', dims, 'fed')
      : graph.parameter(full, storedDtype(full), dims)
  }
  const weight = (name: string, dims: readonly number[]) => inF32(stored(name, dims))
  return {
    graph,
    prefix,
    weight,
    rows: (name, dims, indices) => inF32(gather(stored(name, dims), indices)),
    linear(x, name, inFeatures, outFeatures, { bias = true } = {}) {
      const matrix = weight(`${name}.weight`, [outFeatures, inFeatures])
      const shift = bias ? weight(`${name}.bias`, [outFeatures]) : undefined
      const update = adapter(prefix + name)
      if (update === undefined) return linear(x, matrix, shift)
      const fed = (part: string, dims: readonly number[]) =>
        graph.parameter(`${prefix}${name}.${part}.weight`, 'f32', dims, 'fed')
      const down = fed('lora_A', [update.rank, inFeatures])
      const up = fed('lora_B', [outFeatures, update.rank])
      const magnitude = update.dora ? fed('lora_magnitude_vector', [outFeatures]) : undefined
      const updated = { weight: matrix, down, up, scale: update.scale }
      return update.merged && update.dropout === undefined
        ? mergedLinear(x, updated, shift, magnitude)
        : magnitude === undefined
          ? loraLinear(x, updated, shift, update.dropout?.(x))
          : doraLinear(x, updated, shift, magnitude, update.dropout?.(x))
    },
    segment: (x, build) => (options.recompute ? recomputed(x, build) : build(x)),
    under: (name) => scopeAt(graph, `${prefix}${name}.`, options),
  }
}

/** @param x `[…, in]` @param magnitude `[out]` of DoRA @returns `[…, out]` */
function mergedLinear(
  x: Value<'f32'>,
  updated: UpdatedWeight,
  bias: Value<'f32'> | undefined,
  magnitude: Value<'f32'> | undefined,
): Value<'f32'> {
  const sum = summedWeight(updated)
  if (magnitude === undefined) return linear(x, sum, bias)
  return linear(x, mul(sum, reshape(rowStretch(updated, magnitude), [sum.dims[0]!, 1])), bias)
}

function inF32(value: Value): Value<'f32'> {
  return isF32(value) ? value : cast(value, 'f32')
}

function isF32(value: Value): value is Value<'f32'> {
  return value.dtype === 'f32'
}
