/**
 * @file SDAR-VL: LLaVA-OneVision's pictures before a decoder of Qwen3's shape that looks within
 * blocks and back.
 */

import type { VisionLanguageFamily } from '../family.ts'
import { llava } from '../llava/index.ts'
import { buildLlavaDecoder } from '../llava/model.ts'
import { llavaRuntimeName, llavaSpellings } from '../llava/weights.ts'
import { buildLlavaOnevisionVision } from '../llava-onevision/model.ts'
import { llavaOnevisionProcessor } from '../llava-onevision/processor.ts'
import { parseSdarVlConfig, type SdarVlConfig } from './config.ts'

const native = ({ block }: SdarVlConfig) => ({ block })

/** @see specs/diffusion-vlms.md, SDAR-VL */
export const sdarVl: VisionLanguageFamily<SdarVlConfig> = {
  name: 'sdar-vl',
  kind: 'vision-language',
  objective: 'diffusion',
  // `architectures` is LLaVA-OneVision's.
  matches: (json) => json.model_type === 'sdar_v',
  parseConfig: parseSdarVlConfig,
  weightSpellings: (name) => llavaSpellings(name),
  runtimeName: llavaRuntimeName,
  shape: (config) => ({ ...llava.shape(config), nativeAttention: native(config), maskId: config.maskId }),
  buildVision: buildLlavaOnevisionVision,
  buildDecoder: (scope, config, inputs, { attention = 'native' } = {}) =>
    buildLlavaDecoder(scope, config, inputs, {
      attention: attention === 'native' ? native(config) : attention,
    }),
  // The release that the model was made with tiles every picture of a prompt.
  processor: (dir, config) => llavaOnevisionProcessor(dir, config, { several: 'tiled' }),
}
