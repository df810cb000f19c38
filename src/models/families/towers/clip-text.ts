/** @file CLIP's text tower. */

import { add, cast, equal, mul } from '../../../engine/graph/elementwise.ts'
import type { Value } from '../../../engine/graph/graph.ts'
import { matMul } from '../../../engine/graph/matmul.ts'
import { reduceMax } from '../../../engine/graph/reduction.ts'
import { reshape } from '../../../engine/graph/shaping.ts'
import { attentionMask } from '../../../engine/nn/attention.ts'
import { layerNorm } from '../../../engine/nn/norm.ts'
import type { Scope } from '../../../engine/nn/scope.ts'
import { f32 } from '../../../foundation/numeric/tensor.ts'
import { encoderLayers } from './encoder.ts'
import type { TextTowerShape } from './siglip-text.ts'

/**
 * `scope` is `text_model`. Causal, so padding after the end token does not matter.
 * @param inputIds `[batch, length] i64`
 * @param eosId the vector is read at its first occurrence, or at the first token of a text without
 *   it; 2 in old files, where it means the largest id
 * @returns layers and norm `[batch, length, hidden]`, `pooled` `[batch, hidden]` before the
 *   projection
 * @see Radford et al. 2021; specs/ar-vlms.md §6.2
 */
export function clipText(
  scope: Scope,
  inputIds: Value<'i64'>,
  shape: TextTowerShape,
  eosId: number,
): { layers: Value<'f32'>[]; norm: Value<'f32'>; pooled: Value<'f32'> } {
  const { hidden, vocabulary, length, epsilon } = shape
  const { graph } = scope
  const embeddings = scope.under('embeddings')
  const tokens = embeddings.rows('token_embedding.weight', [vocabulary, hidden], inputIds)
  const placed = add(tokens, embeddings.weight('position_embedding.weight', [length, hidden]))
  const layers = encoderLayers(scope.under('encoder'), placed, shape, attentionMask(graph, 'causal', length))
  const norm = layerNorm(scope, layers.at(-1) ?? placed, 'final_layer_norm', hidden, epsilon)
  const ids = cast(inputIds, 'f32')
  const isEnd = cast(equal(ids, eosId === 2 ? reduceMax(ids, [1], true) : graph.scalar(eosId)), 'f32')
  // How many end tokens have come up to each position: 1 at the first.
  const upTo = Float32Array.from({ length: length * length }, (_, i) =>
    Math.floor(i / length) <= i % length ? 1 : 0,
  )
  const seen = matMul(isEnd, graph.constant(f32([length, length], upTo)))
  const firstEnd = mul(isEnd, cast(equal(seen, graph.scalar(1)), 'f32'))
  // Without an end token the reference's argmax gives the first position.
  const hasNone = cast(equal(reduceMax(isEnd, [1], true), graph.scalar(0)), 'f32')
  const start = graph.constant(
    f32(
      [1, length],
      Float32Array.from({ length }, (_, i) => (i === 0 ? 1 : 0)),
    ),
  )
  const first = add(firstEnd, mul(hasNone, start))
  const batch = inputIds.dims[0]!
  return { layers, norm, pooled: reshape(matMul(reshape(first, [batch, 1, length]), norm), [batch, hidden]) }
}
