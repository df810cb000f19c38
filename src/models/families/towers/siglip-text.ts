/** @file SigLIP's text tower. */

import { add } from '../../../engine/graph/elementwise.ts'
import type { Value } from '../../../engine/graph/graph.ts'
import { reshape, slice } from '../../../engine/graph/shaping.ts'
import { layerNorm } from '../../../engine/nn/norm.ts'
import type { Scope } from '../../../engine/nn/scope.ts'
import { type EncoderShape, encoderLayers } from './encoder.ts'

export interface TextTowerShape extends EncoderShape {
  vocabulary: number
  /** Every text is padded to exactly this length. */
  length: number
  /** Width of the shared space. */
  projection: number
}

/**
 * `scope` is `text_model`. There is no attention mask: padding takes part, and the vector is read
 * at the last position.
 * @param inputIds `[batch, length] i64`
 * @returns layers and norm `[batch, length, hidden]`, `pooled` `[batch, projection]`, not
 *   normalised
 * @see specs/ar-vlms.md §7.2
 */
export function siglipText(
  scope: Scope,
  inputIds: Value<'i64'>,
  shape: TextTowerShape,
): { layers: Value<'f32'>[]; norm: Value<'f32'>; pooled: Value<'f32'> } {
  const { hidden, vocabulary, length, epsilon, projection } = shape
  const embeddings = scope.under('embeddings')
  const tokens = embeddings.rows('token_embedding.weight', [vocabulary, hidden], inputIds)
  const placed = add(tokens, embeddings.weight('position_embedding.weight', [length, hidden]))
  const layers = encoderLayers(scope.under('encoder'), placed, shape)
  const norm = layerNorm(scope, layers.at(-1) ?? placed, 'final_layer_norm', hidden, epsilon)
  const last = reshape(slice(norm, 1, -1), [inputIds.dims[0]!, hidden])
  return { layers, norm, pooled: scope.linear(last, 'head', hidden, projection) }
}
