/** @file Dream-VL: Qwen2-VL's tower, two linear layers, Dream's decoder with full attention. */

import type { VisionLanguageFamily } from '../family.ts'
import { type QwenSettings, qwenSettings } from '../qwen-vl/settings.ts'
import { type DreamTowerConfig, parseDreamVlConfig } from './config.ts'
import { buildDreamDecoder, buildDreamVision } from './model.ts'
import { dreamSize } from './picture.ts'
import { dreamProcessor } from './processor.ts'
import { dreamShape } from './shape.ts'

/** @see specs/diffusion-vlms-2.md, Dream-VL */
export const dreamVl: VisionLanguageFamily<DreamTowerConfig, QwenSettings> = {
  name: 'dream-vl',
  kind: 'vision-language',
  objective: 'diffusion',
  settings: qwenSettings,
  matches: (json) => json.model_type === 'dream-vl',
  parseConfig: parseDreamVlConfig,
  weightSpellings: (name) => [name],
  shape: dreamShape,
  buildVision: (scope, config, pixels) => buildDreamVision(scope, config, pixels, 'projector'),
  buildDecoder: buildDreamDecoder,
  processor: (dir, config) =>
    dreamProcessor(dir, config, {
      classes: ['DreamTokenizer'],
      named: /^(DreamVL|Qwen2VL)ImageProcessor(Fast)?$/,
      sizeOf: dreamSize,
    }),
}
