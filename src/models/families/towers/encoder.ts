/** @file The pre-norm encoder of CLIP and SigLIP towers: image and text, one block. */

import { add } from '../../../engine/graph/elementwise.ts'
import type { Value } from '../../../engine/graph/graph.ts'
import type { ActivationName } from '../../../engine/nn/activation.ts'
import { type AttentionNames, selfAttention } from '../../../engine/nn/attention.ts'
import { mlp } from '../../../engine/nn/mlp.ts'
import { layerNorm } from '../../../engine/nn/norm.ts'
import type { Scope } from '../../../engine/nn/scope.ts'

export interface EncoderShape {
  hidden: number
  inner: number
  layers: number
  heads: number
  activation: ActivationName
  epsilon: number
}

const names: AttentionNames = {
  query: 'self_attn.q_proj',
  key: 'self_attn.k_proj',
  value: 'self_attn.v_proj',
  output: 'self_attn.out_proj',
  inputBias: true,
  outputBias: true,
}

/**
 * `layers.{i}` within `scope`.
 * @param x    `[batch, tokens, hidden]`
 * @param mask added to the scores, see `attentionMask`
 * @returns the residual stream after each layer
 * @see specs/ar-vlms.md §0.6
 */
export function encoderLayers(
  scope: Scope,
  x: Value<'f32'>,
  shape: EncoderShape,
  mask?: Value<'f32'>,
): Value<'f32'>[] {
  const { hidden, heads, epsilon } = shape
  const attentionShape = { hidden, heads, keyValueHeads: heads, headDim: hidden / heads }
  const layers: Value<'f32'>[] = []
  let stream = x
  for (let index = 0; index < shape.layers; index++) {
    const layer = scope.under(`layers.${index}`)
    stream = layer.segment(stream, (x) => {
      const before = layerNorm(layer, x, 'layer_norm1', hidden, epsilon)
      const mixed = add(x, selfAttention(layer, before, names, attentionShape, { mask }))
      const attended = layerNorm(layer, mixed, 'layer_norm2', hidden, epsilon)
      return add(mixed, mlp(layer.under('mlp'), attended, shape))
    })
    layers.push(stream)
  }
  return layers
}
