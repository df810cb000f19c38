/** @file CLIP: two towers trained with a softmax over the batch. */

import { exp } from '../../../engine/graph/elementwise.ts'
import { l2Normalize } from '../../../engine/graph/reduction.ts'
import { reshape, slice } from '../../../engine/graph/shaping.ts'
import { layerNorm } from '../../../engine/nn/norm.ts'
import { dualEncoderProcessor } from '../dual-encoder.ts'
import type { DualEncoderFamily } from '../family.ts'
import { clipText } from '../towers/clip-text.ts'
import { clipVision } from '../towers/clip-vision.ts'
import { type ClipConfig, parseClipConfig } from './config.ts'

/** @see Radford et al. 2021; specs/ar-vlms.md §6 */
export const clip: DualEncoderFamily<ClipConfig> = {
  name: 'clip',
  kind: 'dual-encoder',
  objective: 'contrastive',
  matches: (json) => json.model_type === 'clip',
  parseConfig: parseClipConfig,
  weightSpellings: (name) => [name],
  shape: ({ vision, text, dims }) => ({
    dims,
    view: [vision.channels, vision.image, vision.image],
    textLength: text.length,
    textLayers: text.layers,
    vocabulary: text.vocabulary,
  }),
  buildImage(scope, { vision: shape, dims }, pixelValues) {
    const tower = scope.under('vision_model')
    const vision = clipVision(tower, pixelValues, shape).at(-1)!
    const start = reshape(slice(vision, 1, 0, 1), [pixelValues.dims[0]!, shape.hidden])
    const pooled = layerNorm(tower, start, 'post_layernorm', shape.hidden, shape.epsilon)
    return {
      vision,
      imageEmbeds: l2Normalize(
        scope.linear(pooled, 'visual_projection', shape.hidden, dims, { bias: false }),
      ),
    }
  },
  buildText(scope, { text, eosId, dims }, inputIds) {
    const { layers, norm, pooled } = clipText(scope.under('text_model'), inputIds, text, eosId)
    return {
      layers,
      norm,
      textEmbeds: l2Normalize(scope.linear(pooled, 'text_projection', text.hidden, dims, { bias: false })),
    }
  },
  buildScale(scope) {
    return { scale: exp(scope.weight('logit_scale', [])), bias: scope.graph.scalar(0) }
  },
  processor: (dir, { text, vision }) =>
    dualEncoderProcessor(dir, { length: text.length, image: vision.image }, 'clip'),
}
