/**
 * @file Random weights for a built graph: where pretraining starts, and the random decoder that
 * conversion is compared with.
 */

import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { sizeOf, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { ParameterSlot } from './weights.ts'

export interface InitialOptions {
  seed: number
  /**
   * Residual layers of the stack that a parameter belongs to: its output projections are scaled
   * down by `√(2·layers)`.
   */
  layers: number
  /** Standard deviation of matrices; default 0.02. */
  std?: number
  /** Values that replace the rule, by name: a logit scale, say. */
  constants?: Readonly<Record<string, number>>
  /**
   * The first so many rows of queries and keys are equal, with standard deviation `gain /
   * √columns`: their heads attend to positions that are like the asking one. Only where queries and
   * keys are matrices of their own (`q_proj`, `k_proj`).
   * @see Trockman & Kolter 2023, "Mimetic initialization of self-attention layers"
   */
  matching?: { rows: number; gain: number }
  /**
   * Gives the word that decides the values instead of a parameter's name: models that name one role
   * differently can start alike.
   */
  roleOf?: (name: string) => string
}

/**
 * Projections that write into the residual stream. `ff_out` only within a block: elsewhere it is
 * LLaDA's head.
 */
const RESIDUAL_OUTPUT = /(\.o_proj|\.out_proj|\.down_proj|\.attn_out|\.mlp\.fc2|blocks\.\d+\.ff_out)\.weight$/

const QUERIES_OR_KEYS = /[qk]_proj\.weight$/

/**
 * One array per parameter, by canonical name: ones for norms, zeros for biases, normal numbers for
 * the rest. Each depends on the seed and its own name (or role) only, so two models that share it
 * and a shape share the values.
 * @see Radford et al. 2019, §2.3 (scaling of residual outputs)
 */
export function initialWeights(
  parameters: readonly ParameterSlot[],
  options: InitialOptions,
): Record<string, Tensor<'f32'>> {
  return Object.fromEntries(parameters.map((slot) => [slot.name, initial(slot, options)]))
}

function initial(
  { name, dims }: ParameterSlot,
  { seed, layers, std = 0.02, constants = {}, matching, roleOf = (own) => own }: InitialOptions,
): Tensor<'f32'> {
  const data = new Float32Array(sizeOf(dims))
  const fixed = constants[name]
  if (fixed !== undefined) data.fill(fixed)
  else if (dims.length === 1 && name.endsWith('.weight')) data.fill(1)
  else if (!/(^|[._])bias$/.test(name)) {
    fillNormal(
      data,
      RESIDUAL_OUTPUT.test(name) ? std / Math.sqrt(2 * layers) : std,
      stream(seed, 'initial', roleOf(name)),
    )
  }
  const [, columns] = dims
  if (matching !== undefined && columns !== undefined && QUERIES_OR_KEYS.test(name)) {
    const role = roleOf(name).replace(QUERIES_OR_KEYS, '')
    fillNormal(
      data.subarray(0, matching.rows * columns),
      matching.gain / Math.sqrt(columns),
      stream(seed, 'matching', role),
    )
  }
  return { dtype: 'f32', dims, data }
}
