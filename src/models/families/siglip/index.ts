/** @file SigLIP and SigLIP 2 of fixed resolution: two towers trained with a sigmoid loss. */

import { exp } from '../../../engine/graph/elementwise.ts'
import type { Value } from '../../../engine/graph/graph.ts'
import { l2Normalize } from '../../../engine/graph/reduction.ts'
import { reshape } from '../../../engine/graph/shaping.ts'
import { layerNorm } from '../../../engine/nn/norm.ts'
import { dualEncoderProcessor } from '../dual-encoder.ts'
import type { DualEncoderFamily } from '../family.ts'
import { siglipText } from '../towers/siglip-text.ts'
import { siglipPooling, siglipVision } from '../towers/siglip-vision.ts'
import { parseSiglipConfig, type SiglipConfig } from './config.ts'

/** @see Zhai et al. 2023; Tschannen et al. 2025; specs/ar-vlms.md §7 */
export const siglip: DualEncoderFamily<SiglipConfig> = {
  name: 'siglip',
  kind: 'dual-encoder',
  objective: 'contrastive',
  matches: (json) => json.model_type === 'siglip',
  parseConfig: parseSiglipConfig,
  weightSpellings: (name) => [name],
  shape: ({ vision, text }) => ({
    dims: text.projection,
    view: [vision.channels, vision.image, vision.image],
    textLength: text.length,
    textLayers: text.layers,
    vocabulary: text.vocabulary,
  }),
  buildImage(scope, { vision: shape }, pixelValues) {
    const tower = scope.under('vision_model')
    const states = siglipVision(tower, pixelValues, shape)
    const vision = layerNorm(tower, states.at(-1)!, 'post_layernorm', shape.hidden, shape.epsilon)
    return { vision, imageEmbeds: l2Normalize(siglipPooling(tower.under('head'), vision, shape)) }
  },
  buildText(scope, { text }, inputIds) {
    const { layers, norm, pooled } = siglipText(scope.under('text_model'), inputIds, text)
    return { layers, norm, textEmbeds: l2Normalize(pooled) }
  },
  buildScale(scope) {
    const scalar = (value: Value<'f32'>) => reshape(value, [])
    return {
      scale: exp(scalar(scope.weight('logit_scale', [1]))),
      bias: scalar(scope.weight('logit_bias', [1])),
    }
  },
  processor: (dir, { text, vision }) =>
    dualEncoderProcessor(dir, { length: text.length, image: vision.image }, 'siglip'),
}
