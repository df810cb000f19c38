/** @file Random initialisation: normal matrices, norms at one, biases at zero; each parameter from its own stream, so that names fix values. */

import { fillNormal, stream } from '../numeric/random.ts'
import { type Tensor, zeros } from '../numeric/tensor.ts'

export interface InitialOptions {
  seed: number
  /** Layers of residual blocks: projections back into the residual stream start smaller by 1/√(2·layers). @see Radford et al. 2019 */
  layers: number
}

const OUTWARD = /(out_proj|o_proj|attn_out|fc2|down_proj|blocks\.\d+\.ff_out)\.weight$/
const NORM = /(norm\d?|layernorm|ln_f|norm_out)\.weight$/

/** Initial values of parameters by name and dims. */
export function initialParameters(
  parameters: Iterable<{ name: string; dims: readonly number[] }>,
  { seed, layers }: InitialOptions,
): Record<string, Tensor<'f32'>> {
  const made: Record<string, Tensor<'f32'>> = {}
  for (const { name, dims } of parameters) {
    const value = zeros(dims)
    if (NORM.test(name)) value.data.fill(1)
    else if (!name.endsWith('bias')) {
      const fanIn = dims.slice(1).reduce((size, dim) => size * dim, 1)
      const std = name.includes('embed') || name.includes('wte') ? 0.02 : Math.min(0.02 * Math.sqrt(768 / Math.max(fanIn, 1)), 0.05)
      fillNormal(value.data, OUTWARD.test(name) ? std / Math.sqrt(2 * layers) : std, stream(seed, name))
    }
    made[name] = value
  }
  return made
}
