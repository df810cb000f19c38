/**
 * @file The pre-norm decoder with gated feed-forward blocks: Llama, Mistral, Qwen2, LLaDA and Dream
 * differ in sizes, biases and names.
 */

import { add } from '../../../engine/graph/elementwise.ts'
import type { Value } from '../../../engine/graph/graph.ts'
import { gather, iota } from '../../../engine/graph/indexing.ts'
import { reshape } from '../../../engine/graph/shaping.ts'
import type { ActivationName } from '../../../engine/nn/activation.ts'
import {
  type Attention,
  type AttentionShape,
  attentionMask,
  selfAttention,
} from '../../../engine/nn/attention.ts'
import { type GatedMlpNames, gatedMlp } from '../../../engine/nn/mlp.ts'
import { rmsNorm } from '../../../engine/nn/norm.ts'
import { type Rotary, type RotaryScaling, type RotaryShape, rotaryOf } from '../../../engine/nn/rotary.ts'
import type { Scope } from '../../../engine/nn/scope.ts'
import type { DecoderPieces } from '../family.ts'

export interface GatedDecoderShape extends AttentionShape {
  layers: number
  /** Width of the feed-forward blocks. */
  inner: number
  activation: ActivationName
  epsilon: number
  ropeTheta: number
  /** Where the rotation is stretched. */
  ropeScaling?: RotaryScaling
  maxPositions: number
  /** Biases of the query, key and value projections (Qwen2, Dream; Llama's `attention_bias`). */
  queryKeyValueBias: boolean
  /** Bias of the output projection (Llama's `attention_bias`). */
  outputBias: boolean
  /** Norms of each query and key head, `self_attn.q_norm` and `k_norm` (Qwen3). */
  headNorm?: boolean
}

/** A family's names of the modules, relative to the scope that it passes. */
export interface GatedDecoderNames extends GatedMlpNames {
  layer(index: number): string
  attentionNorm: string
  query: string
  key: string
  value: string
  output: string
  mlpNorm: string
  /** The norm after the last layer. */
  norm: string
}

/** Names of Llama, Mistral, Qwen2 and Dream. */
export const LLAMA_NAMES: GatedDecoderNames = {
  layer: (index) => `layers.${index}`,
  attentionNorm: 'input_layernorm',
  query: 'self_attn.q_proj',
  key: 'self_attn.k_proj',
  value: 'self_attn.v_proj',
  output: 'self_attn.o_proj',
  mlpNorm: 'post_attention_layernorm',
  gate: 'mlp.gate_proj',
  up: 'mlp.up_proj',
  down: 'mlp.down_proj',
  norm: 'norm',
}

/** Names of LLaDA (OLMo's). @see specs/lavida.md §1.5 */
export const LLADA_NAMES: GatedDecoderNames = {
  layer: (index) => `blocks.${index}`,
  attentionNorm: 'attn_norm',
  query: 'q_proj',
  key: 'k_proj',
  value: 'v_proj',
  output: 'attn_out',
  mlpNorm: 'ff_norm',
  gate: 'ff_proj',
  up: 'up_proj',
  down: 'ff_out',
  norm: 'ln_f',
}

/** The rotation of a decoder's heads. */
export function rotaryShape({
  headDim,
  ropeTheta: theta,
  maxPositions,
  ropeScaling: scaling,
}: GatedDecoderShape): RotaryShape {
  return { headDim, theta, maxPositions, scaling }
}

export interface GatedDecoderContext {
  pattern: Attention
  /** `[batch, seq] i64`, 1 for real tokens. */
  keep: Value<'i64'>
  /** `[batch, seq] i64`; default 0, 1, … */
  positions?: Value<'i64'>
  /** Instead of `positions`: a rotation of another kind. */
  rotary?: Rotary
  /** The input of the next layer instead of a layer's own output; `layers` keep the output. */
  between?: (index: number, stream: Value<'f32'>) => Value<'f32'>
  /** Default `LLAMA_NAMES`. */
  names?: GatedDecoderNames
}

/**
 * @param hidden `[batch, seq, hidden]` embeddings
 * @returns the residual stream after each layer, the last one after the final norm, at all
 *   positions or at some, and that norm for any other
 * @see specs/ar-vlms.md §0.5, specs/lavida.md §2–3
 */
export function gatedDecoder(
  scope: Scope,
  shape: GatedDecoderShape,
  hidden: Value<'f32'>,
  { pattern, keep, positions, rotary, between, names = LLAMA_NAMES }: GatedDecoderContext,
): Pick<DecoderPieces, 'norm' | 'normAt' | 'finalNorm'> & { layers: Value<'f32'>[] } {
  const seq = hidden.dims[1]!
  const { graph } = scope
  const { epsilon } = shape
  const at = {
    mask: attentionMask(graph, pattern, seq, keep),
    rotary: rotary ?? rotaryOf(graph, positions ?? iota(graph, seq), rotaryShape(shape)),
  }
  const headNorm = shape.headNorm
    ? { query: 'self_attn.q_norm', key: 'self_attn.k_norm', epsilon }
    : undefined
  const attentionNames = {
    ...names,
    inputBias: shape.queryKeyValueBias,
    outputBias: shape.outputBias,
    headNorm,
  }
  const layers: Value<'f32'>[] = []
  let stream = hidden
  let last = { layer: scope, input: hidden }
  for (let index = 0; index < shape.layers; index++) {
    const layer = scope.under(names.layer(index))
    last = { layer, input: stream }
    stream = layer.segment(stream, (x) => feedForward(layer, attend(layer, x)))
    layers.push(stream)
    stream = between?.(index, stream) ?? stream
  }
  const finalNorm = (value: Value<'f32'>) => rmsNorm(scope, value, names.norm, shape.hidden, epsilon)
  const normAt = (rows: Value<'i64'>) => {
    const mixed = reshape(attend(last.layer, last.input), [-1, shape.hidden])
    return finalNorm(feedForward(last.layer, gather(mixed, rows)))
  }
  return { layers, norm: finalNorm(stream), normAt, finalNorm }

  function attend(layer: Scope, x: Value<'f32'>): Value<'f32'> {
    const before = rmsNorm(layer, x, names.attentionNorm, shape.hidden, epsilon)
    return add(x, selfAttention(layer, before, attentionNames, shape, at))
  }
  function feedForward(layer: Scope, mixed: Value<'f32'>): Value<'f32'> {
    const attended = rmsNorm(layer, mixed, names.mlpNorm, shape.hidden, epsilon)
    return add(mixed, gatedMlp(layer, attended, names, shape))
  }
}
