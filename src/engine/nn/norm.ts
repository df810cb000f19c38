/** @file Norms over the last axis, with the weights of a scope. */

import type { Value } from '../graph/graph.ts'
import { layerNorm as normalise, rmsNorm as normaliseRms } from '../graph/reduction.ts'
import type { Scope } from './scope.ts'

/**
 * Layer norm with `<name>.weight` and `<name>.bias` `[dim]`, and biased variance.
 * @param x `[…, dim]` @returns `[…, dim]`
 */
export function layerNorm(
  scope: Scope,
  x: Value<'f32'>,
  name: string,
  dim: number,
  epsilon: number,
): Value<'f32'> {
  return normalise(x, scope.weight(`${name}.weight`, [dim]), scope.weight(`${name}.bias`, [dim]), epsilon)
}

/**
 * Root-mean-square norm with `<name>.weight` `[dim]`; the mean stays.
 * @param x `[…, dim]` @returns `[…, dim]`
 * @see specs/ar-vlms.md §0.4
 */
export function rmsNorm(
  scope: Scope,
  x: Value<'f32'>,
  name: string,
  dim: number,
  epsilon: number,
): Value<'f32'> {
  return normaliseRms(x, scope.weight(`${name}.weight`, [dim]), epsilon)
}
