/**
 * @file Dimple: Qwen2.5-VL's tower, two linear layers, Dream's decoder with full attention.
 */

import { buildDreamDecoder, buildDreamVision } from '../dream-vl/model.ts'
import { dreamProcessor } from '../dream-vl/processor.ts'
import { dreamShape } from '../dream-vl/shape.ts'
import type { VisionLanguageFamily } from '../family.ts'
import { type QwenSettings, qwenSettings } from '../qwen-vl/settings.ts'
import { type DimpleConfig, parseDimpleConfig } from './config.ts'
import { enlarged } from './picture.ts'

const native = ({ fullAttention }: DimpleConfig) => (fullAttention ? 'bidirectional' : 'causal')

/** @see Yu et al. 2025 (arXiv 2505.16990); specs/diffusion-vlms-2.md, Dimple */
export const dimple: VisionLanguageFamily<DimpleConfig, QwenSettings> = {
  name: 'dimple',
  kind: 'vision-language',
  objective: 'diffusion',
  settings: qwenSettings,
  matches: (json) => json.model_type === 'dimple',
  parseConfig: parseDimpleConfig,
  weightSpellings: (name) => [name],
  shape: (config) => ({ ...dreamShape(config), nativeAttention: native(config) }),
  buildVision: (scope, config, pixels) => buildDreamVision(scope, config, pixels, 'img_projector'),
  buildDecoder: (scope, config, inputs, { attention = 'native' } = {}) =>
    buildDreamDecoder(scope, config, inputs, {
      attention: attention === 'native' ? native(config) : attention,
    }),
  processor: (dir, config) => {
    const { patch, merge } = config.tower.shape
    return dreamProcessor(dir, config, {
      classes: ['DimpleTokenizer', 'DreamTokenizer'],
      named: /^(Dimple|Qwen2VL|Qwen2_5_VL)ImageProcessor(Fast)?$/,
      before: (image, limits) => enlarged(image, patch * merge, limits),
    })
  },
}
