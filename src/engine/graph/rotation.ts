/** @file The rotation of pairs of elements: one operator, whose gradient turns back. */

import { add, mul, neg, sub } from './elementwise.ts'
import { shapeMismatch } from './errors.ts'
import type { Value } from './graph.ts'
import { slice } from './shaping.ts'

/**
 * Turns each pair `(i, i + width / 2)` of the last axis: `(a·cos − b·sin, b·cos + a·sin)`.
 * @param x `[…, width]`
 * @param cos broadcast against `[…, width / 2]` @param sin as `cos`
 * @returns the shape of `x`
 * @throws GraphError `graph/shape`
 */
export function rotatePairs(x: Value<'f32'>, cos: Value<'f32'>, sin: Value<'f32'>): Value<'f32'> {
  const half = Number(x.dims.at(-1)) / 2
  if (cos.dims.at(-1) !== half || sin.dims.join() !== cos.dims.join())
    throw shapeMismatch('Rotate', x.dims, cos.dims, `one cosine and one sine for each of ${half} pairs`)
  return x.graph.apply('Rotate', [x, cos, sin], {}, 'f32', x.dims)
}

/**
 * Gradients of `rotatePairs` with respect to `x`, and, where they are wanted, to cosines and sines;
 * those have the shape of half of `x`.
 */
export function rotationGradients(
  [x, cos, sin]: readonly Value<'f32'>[],
  upstream: Value<'f32'>,
): { x: Value<'f32'>; cos: Value<'f32'>; sin: Value<'f32'> } {
  const half = Number(x!.dims.at(-1)) / 2
  const halves = (value: Value<'f32'>) => [slice(value, -1, 0, half), slice(value, -1, half)] as const
  const [a, b] = halves(x!)
  const [first, second] = halves(upstream)
  return {
    x: rotatePairs(upstream, cos!, neg(sin!)),
    cos: add(mul(first, a), mul(second, b)),
    sin: sub(mul(second, a), mul(first, b)),
  }
}
