/** @file LLaVA-OneVision. */

import type { VisionLanguageFamily } from '../family.ts'
import { llava } from '../llava/index.ts'
import { buildLlavaDecoder } from '../llava/model.ts'
import { llavaRuntimeName, llavaSpellings } from '../llava/weights.ts'
import { type LlavaOnevisionConfig, parseLlavaOnevisionConfig } from './config.ts'
import { buildLlavaOnevisionVision } from './model.ts'
import { llavaOnevisionProcessor } from './processor.ts'

/** @see Li et al. 2024 (arXiv 2408.03326); specs/ar-vlms.md §2 */
export const llavaOnevision: VisionLanguageFamily<LlavaOnevisionConfig> = {
  name: 'llava-onevision',
  kind: 'vision-language',
  objective: 'autoregressive',
  matches: (json) => json.model_type === 'llava_onevision',
  parseConfig: (json) => parseLlavaOnevisionConfig(json),
  weightSpellings: (name) => llavaSpellings(name),
  runtimeName: llavaRuntimeName,
  shape: llava.shape,
  buildVision: buildLlavaOnevisionVision,
  buildDecoder: buildLlavaDecoder,
  processor: (dir, config) => llavaOnevisionProcessor(dir, config),
}
