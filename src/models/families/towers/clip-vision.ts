/** @file CLIP's image tower. */

import { add } from '../../../engine/graph/elementwise.ts'
import type { Value } from '../../../engine/graph/graph.ts'
import { concat, expand, reshape } from '../../../engine/graph/shaping.ts'
import { layerNorm } from '../../../engine/nn/norm.ts'
import { patchEmbedding } from '../../../engine/nn/patch-embedding.ts'
import type { Scope } from '../../../engine/nn/scope.ts'
import { type EncoderShape, encoderLayers } from './encoder.ts'

export interface VisionTowerShape extends EncoderShape {
  channels: number
  /** Pixels of the picture's side, and of a patch's. */
  image: number
  patch: number
}

/** Patches of one view. */
export function patchCount({ image, patch }: Pick<VisionTowerShape, 'image' | 'patch'>): number {
  return Math.floor(image / patch) ** 2
}

/**
 * Class token and patches through the tower (`scope` is `…vision_model`).
 * @param pixels `[batch, channels, image, image]`
 * @returns hidden states `[batch, 1 + patches, hidden]`: index 0 the embeddings (after
 *   `pre_layrnorm`), index `k` after layer `k − 1`
 * @see Radford et al. 2021; specs/ar-vlms.md §1.3
 */
export function clipVision(scope: Scope, pixels: Value<'f32'>, shape: VisionTowerShape): Value<'f32'>[] {
  const { channels, patch, hidden, epsilon } = shape
  const embeddings = scope.under('embeddings')
  const patches = patchEmbedding(embeddings, pixels, 'patch_embedding', {
    channels,
    patch,
    hidden,
    bias: false,
  })
  const start = reshape(embeddings.weight('class_embedding', [hidden]), [1, 1, hidden])
  const tokens = concat([expand(start, [pixels.dims[0]!, 1, hidden]), patches], 1)
  const placed = add(tokens, embeddings.weight('position_embedding.weight', [patchCount(shape) + 1, hidden]))
  const input = layerNorm(scope, placed, 'pre_layrnorm', hidden, epsilon)
  return [input, ...encoderLayers(scope.under('encoder'), input, shape)]
}
