/** @file Where layers get their weights: by name and shape, stored, trained, or with a low-rank update beside them. */

import { add, cast, mul } from '../graph/elementwise.ts'
import type { Graph, Value } from '../graph/graph.ts'
import { linear, loraLinear, matMul } from '../graph/matmul.ts'

/** Tensors of one module, by name. The graph's `Parameter` nodes are the record of what was asked for. */
export interface Scope {
  readonly graph: Graph
  /** What stands before a name, with its dot: `model.layers.0.`, or empty at the root. */
  readonly prefix: string
  /** `[…dims] f32`. A tensor stored as f16 or bf16 comes with a cast; a trained one is fed as f32. */
  weight(name: string, dims: readonly number[]): Value<'f32'>
  /**
   * `x·Wᵀ (+ b)` with `<name>.weight` `[out, in]` and `<name>.bias` `[out]`, plus the low-rank update when an adapter targets it.
   * @param x `[…, in]` @returns `[…, out]`
   */
  linear(x: Value<'f32'>, name: string, inFeatures: number, outFeatures: number, options?: LinearOptions): Value<'f32'>
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
   * Adds the update to the weight first, `x·(W + scale·B·A)ᵀ`: one product over the rows instead of three, which pays off where there are many
   * more rows than `rank`. Default: apart, as PEFT does it.
   */
  merged?: boolean
}

/** How weights enter the graph. Names are full: `language_model.layers.0.self_attn.q_proj.weight`. */
export interface ScopeOptions {
  /** The dtype in the checkpoint's headers; default f32. */
  storedDtype?: (name: string) => 'f32' | 'f16' | 'bf16'
  /** Trained weights are fed at each run; all others are initializers. Default: none is trained. */
  trainable?: (name: string) => boolean
  /**
   * The update of a linear layer (its name without `.weight`), if any. Its parameters `<name>.lora_A.weight` `[rank, in]` and
   * `<name>.lora_B.weight` `[out, rank]` are always fed.
   */
  adapter?: (linearName: string) => LowRank | undefined
}

/** The scope of a whole model. */
export function rootScope(graph: Graph, options: ScopeOptions = {}): Scope {
  return scopeAt(graph, '', options)
}

function scopeAt(graph: Graph, prefix: string, options: ScopeOptions): Scope {
  const { storedDtype = () => 'f32', trainable = () => false, adapter = () => undefined } = options
  const weight = (name: string, dims: readonly number[]) => {
    const full = prefix + name
    if (trainable(full)) return graph.parameter(full, 'f32', dims, 'fed')
    const stored = graph.parameter(full, storedDtype(full), dims)
    return isF32(stored) ? stored : cast(stored, 'f32')
  }
  return {
    graph,
    prefix,
    weight,
    linear(x, name, inFeatures, outFeatures, { bias = true } = {}) {
      const stored = weight(`${name}.weight`, [outFeatures, inFeatures])
      const shift = bias ? weight(`${name}.bias`, [outFeatures]) : undefined
      const update = adapter(prefix + name)
      if (update === undefined) return linear(x, stored, shift)
      const down = graph.parameter(`${prefix}${name}.lora_A.weight`, 'f32', [update.rank, inFeatures], 'fed')
      const up = graph.parameter(`${prefix}${name}.lora_B.weight`, 'f32', [outFeatures, update.rank], 'fed')
      if (update.merged) return linear(x, add(stored, mul(matMul(up, down), update.scale)), shift)
      return loraLinear(x, stored, shift, down, up, update.scale)
    },
    under: (name) => scopeAt(graph, `${prefix}${name}.`, options),
  }
}

function isF32(value: Value): value is Value<'f32'> {
  return value.dtype === 'f32'
}
