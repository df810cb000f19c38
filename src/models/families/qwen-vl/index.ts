/**
 * @file Qwen2-VL, Qwen2.5-VL and Qwen3-VL: pictures in their own size, rotary positions in rows and
 * columns, a causal decoder.
 */

import type { VisionLanguageFamily } from '../family.ts'
import { isQwen25Vl, parseQwen25VlConfig } from './aliases.ts'
import { parseQwenVlConfig, type QwenVersion, type QwenVlConfig } from './config.ts'
import { buildQwenDecoder, buildQwenVision, rowParts } from './model.ts'
import { AXES } from './positions.ts'
import { qwenVlProcessor } from './processor.ts'
import { type QwenSettings, qwenSettings } from './settings.ts'
import { qwenVlRuntimeName, qwenVlSpellings } from './weights.ts'

function qwenFamily(
  version: QwenVersion,
  matches: (json: Readonly<Record<string, unknown>>) => boolean,
  parseConfig: (json: Readonly<Record<string, unknown>>) => QwenVlConfig = (json) =>
    parseQwenVlConfig(json, version),
): VisionLanguageFamily<QwenVlConfig, QwenSettings> {
  return {
    name: version,
    kind: 'vision-language',
    objective: 'autoregressive',
    settings: qwenSettings,
    objectiveOf: ({ diffusion }) => (diffusion ? 'diffusion' : 'autoregressive'),
    matches,
    parseConfig,
    weightSpellings: (name, { prefix }) => qwenVlSpellings(name, prefix),
    runtimeName: (name, { prefix }) => qwenVlRuntimeName(name, prefix),
    shape: (config) => {
      const { text, vision } = config
      return {
        hidden: text.hidden,
        layers: text.layers,
        heads: text.heads,
        keyValueHeads: text.keyValueHeads,
        vocabulary: text.vocabulary,
        view: [vision.merge ** 2, vision.channels * vision.frames * vision.patch ** 2],
        rowWidth: text.hidden * rowParts(config),
        positionAxes: AXES,
        maxLength: text.maxPositions,
        nativeAttention: 'causal',
      }
    },
    buildVision: buildQwenVision,
    buildDecoder: buildQwenDecoder,
    processor: qwenVlProcessor,
  }
}

/** @see Wang et al. 2024; specs/ar-vlms.md §3 */
export const qwen2Vl = qwenFamily('qwen2-vl', (json) => json.model_type === 'qwen2_vl')
/** Windows in the tower. @see Bai et al. 2025; specs/ar-vlms.md §4.1–4.4 */
export const qwen25Vl = qwenFamily('qwen2.5-vl', isQwen25Vl, parseQwen25VlConfig)
/**
 * Learned positions in the tower, features of its middle layers in the first decoder layers.
 * @see specs/ar-vlms.md §4.5
 */
export const qwen3Vl = qwenFamily('qwen3-vl', (json) => json.model_type === 'qwen3_vl')
