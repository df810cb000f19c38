/** @file Activations by the names that published configs use. */

import { gelu, geluTanh, quickGelu, silu } from '../graph/elementwise.ts'
import type { Value } from '../graph/graph.ts'

/** `gelu` is the exact one (erf). @see specs/ar-vlms.md §0.4 */
export type ActivationName = 'gelu' | 'gelu_pytorch_tanh' | 'quick_gelu' | 'silu'

/** All names, for config schemas. */
export const ACTIVATIONS = [
  'gelu',
  'gelu_pytorch_tanh',
  'quick_gelu',
  'silu',
] as const satisfies readonly ActivationName[]

const functions: { readonly [N in ActivationName]: (x: Value<'f32'>) => Value<'f32'> } = {
  gelu,
  gelu_pytorch_tanh: geluTanh,
  quick_gelu: quickGelu,
  silu,
}

/** Element by element; the shape stays. */
export function activate(x: Value<'f32'>, name: ActivationName): Value<'f32'> {
  return functions[name](x)
}
