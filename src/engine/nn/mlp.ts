/** @file Feed-forward blocks. */

import { mul } from '../graph/elementwise.ts'
import type { Value } from '../graph/graph.ts'
import { type ActivationName, activate } from './activation.ts'
import type { LinearOptions, Scope } from './scope.ts'

export interface MlpShape {
  hidden: number
  inner: number
  activation: ActivationName
}

/**
 * `second(act(first(x)))`, both with bias.
 * @param x `[…, hidden]`
 * @param names of the two projections
 * @returns `[…, hidden]`, or `[…, output]`
 */
export function mlp(
  scope: Scope,
  x: Value<'f32'>,
  { hidden, inner, activation, output = hidden }: MlpShape & { output?: number },
  [first, second]: readonly [string, string] = ['fc1', 'fc2'],
): Value<'f32'> {
  return scope.linear(activate(scope.linear(x, first, hidden, inner), activation), second, inner, output)
}

/** A family's names of the three projections of a gated block. */
export interface GatedMlpNames {
  gate: string
  up: string
  down: string
}

/**
 * `down(act(gate(x)) · up(x))`, by default without biases.
 * @param x `[…, hidden]` @returns `[…, hidden]`
 * @see Shazeer 2020 (SwiGLU)
 */
export function gatedMlp(
  scope: Scope,
  x: Value<'f32'>,
  names: GatedMlpNames,
  { hidden, inner, activation }: MlpShape,
  { bias = false }: LinearOptions = {},
): Value<'f32'> {
  const gate = activate(scope.linear(x, names.gate, hidden, inner, { bias }), activation)
  const up = scope.linear(x, names.up, hidden, inner, { bias })
  return scope.linear(mul(gate, up), names.down, inner, hidden, { bias })
}
