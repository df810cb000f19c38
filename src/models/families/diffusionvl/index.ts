/**
 * @file DiffusionVL: Qwen2.5-VL whose decoder looks within blocks and back. A position is one
 * number.
 */

import { huggingFaceDecoder } from '../decoders/hugging-face.ts'
import type { VisionLanguageFamily } from '../family.ts'
import { qwenTower } from '../qwen-vl/tower.ts'
import { type DiffusionVlConfig, parseDiffusionVlConfig } from './config.ts'
import { diffusionVlProcessor } from './processor.ts'

/** Older files say the second. */
const MODEL_TYPES: readonly unknown[] = ['diffusionvl_qwenvl', 'llada_qwen']

/** @see specs/diffusion-vlms.md, DiffusionVL */
export const diffusionVl: VisionLanguageFamily<DiffusionVlConfig> = {
  name: 'diffusionvl',
  kind: 'vision-language',
  objective: 'diffusion',
  matches: (json) => MODEL_TYPES.includes(json.model_type),
  parseConfig: parseDiffusionVlConfig,
  weightSpellings: (name) => [name],
  shape: ({ text, vision, block, maskId }) => ({
    hidden: text.hidden,
    layers: text.layers,
    heads: text.heads,
    keyValueHeads: text.keyValueHeads,
    vocabulary: text.vocabulary,
    view: [vision.merge ** 2, vision.channels * vision.frames * vision.patch ** 2],
    maxLength: text.maxPositions,
    nativeAttention: { block },
    maskId,
  }),
  buildVision: (scope, { vision: shape, text }, pixels) => {
    const tower = scope.under('model.vision_tower.vision_tower')
    const merger = scope.under('model.mm_projector.merger')
    const { vision, projector } = qwenTower(tower, 'qwen2.5-vl', shape, text.hidden, pixels, merger)
    return { stages: { vision, projector }, rows: projector }
  },
  buildDecoder: (scope, config, inputs, { attention = 'native' } = {}) =>
    huggingFaceDecoder(scope, config, inputs, {
      pattern: attention === 'native' ? { block: config.block } : attention,
    }),
  processor: diffusionVlProcessor,
}
