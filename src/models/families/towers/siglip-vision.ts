/** @file SigLIP's image tower and its attention-pooling head. */

import { add } from '../../../engine/graph/elementwise.ts'
import type { Value } from '../../../engine/graph/graph.ts'
import { linear } from '../../../engine/graph/matmul.ts'
import { expand, reshape, slice } from '../../../engine/graph/shaping.ts'
import { attend, splitHeads } from '../../../engine/nn/attention.ts'
import { mlp } from '../../../engine/nn/mlp.ts'
import { layerNorm } from '../../../engine/nn/norm.ts'
import { patchEmbedding } from '../../../engine/nn/patch-embedding.ts'
import type { Scope } from '../../../engine/nn/scope.ts'
import { patchCount, type VisionTowerShape } from './clip-vision.ts'
import { encoderLayers } from './encoder.ts'

/**
 * Patches through the tower (`scope` is `…vision_model`); no class token, no norm before the
 * layers.
 * @param pixels `[batch, channels, image, image]`
 * @returns hidden states `[batch, patches, hidden]`: index 0 the embeddings, index `k` after layer
 *   `k − 1`; `post_layernorm` is not applied
 * @see Zhai et al. 2023; specs/ar-vlms.md §7.2
 */
export function siglipVision(scope: Scope, pixels: Value<'f32'>, shape: VisionTowerShape): Value<'f32'>[] {
  const { channels, patch, hidden } = shape
  const embeddings = scope.under('embeddings')
  const patches = patchEmbedding(embeddings, pixels, 'patch_embedding', {
    channels,
    patch,
    hidden,
    bias: true,
  })
  const input = add(patches, embeddings.weight('position_embedding.weight', [patchCount(shape), hidden]))
  return [input, ...encoderLayers(scope.under('encoder'), input, shape)]
}

/**
 * One vector from all tokens: a learned probe attends to them (`scope` is `…vision_model.head`).
 * @param x `[batch, tokens, hidden]` after `post_layernorm`
 * @returns `[batch, hidden]`
 * @see Lee et al. 2019 (pooling by multi-head attention); specs/ar-vlms.md §7.2
 */
export function siglipPooling(scope: Scope, x: Value<'f32'>, shape: VisionTowerShape): Value<'f32'> {
  const { hidden, heads, epsilon } = shape
  const batch = x.dims[0]!
  const attention = scope.under('attention')
  const [weight, bias] = [
    attention.weight('in_proj_weight', [3 * hidden, hidden]),
    attention.weight('in_proj_bias', [3 * hidden]),
  ]
  // Rows of query, key and value lie one below the other.
  const project = (value: Value<'f32'>, part: number) =>
    splitHeads(
      linear(
        value,
        slice(weight, 0, part * hidden, (part + 1) * hidden),
        slice(bias, 0, part * hidden, (part + 1) * hidden),
      ),
      heads,
    )
  const query = expand(project(scope.weight('probe', [1, 1, hidden]), 0), [batch, 1, heads, hidden / heads])
  const mixed = attention.linear(attend(query, project(x, 1), project(x, 2)), 'out_proj', hidden, hidden)
  const out = add(
    mixed,
    mlp(scope.under('mlp'), layerNorm(scope, mixed, 'layernorm', hidden, epsilon), shape),
  )
  return reshape(out, [batch, hidden])
}
