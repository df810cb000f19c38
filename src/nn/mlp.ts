/** @file Feed-forward blocks. */

import { mul } from '../graph/elementwise.ts'
import type { Value } from '../graph/graph.ts'
import { type ActivationName, activate } from './activation.ts'
import type { Scope } from './scope.ts'

export interface MlpShape {
  hidden: number
  inner: number
  activation: ActivationName
}

/** `fc2(act(fc1(x)))`, both with bias. @param x `[…, hidden]` @returns `[…, hidden]` */
export function mlp(scope: Scope, x: Value<'f32'>, { hidden, inner, activation }: MlpShape): Value<'f32'> {
  return scope.linear(activate(scope.linear(x, 'fc1', hidden, inner), activation), 'fc2', inner, hidden)
}

/** What a family calls the three projections of a gated block. */
export interface GatedMlpNames {
  gate: string
  up: string
  down: string
}

/** `down(act(gate(x)) · up(x))`, no biases. @param x `[…, hidden]` @returns `[…, hidden]` @see Shazeer 2020 (SwiGLU) */
export function gatedMlp(scope: Scope, x: Value<'f32'>, names: GatedMlpNames, { hidden, inner, activation }: MlpShape): Value<'f32'> {
  const gate = activate(scope.linear(x, names.gate, hidden, inner, { bias: false }), activation)
  const up = scope.linear(x, names.up, hidden, inner, { bias: false })
  return scope.linear(mul(gate, up), names.down, inner, hidden, { bias: false })
}
