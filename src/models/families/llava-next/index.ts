/** @file LLaVA-NeXT (1.6): LLaVA with a picture's thumbnail and tiles instead of one view. */

import type { VisionLanguageFamily } from '../family.ts'
import { llava } from '../llava/index.ts'
import { buildLlavaDecoder } from '../llava/model.ts'
import { llavaRuntimeName, llavaSpellings } from '../llava/weights.ts'
import { type LlavaNextConfig, parseLlavaNextConfig } from './config.ts'
import { buildLlavaNextVision } from './model.ts'
import { llavaNextProcessor } from './processor.ts'

/** @see Liu et al. 2024; specs/ar-vlms.md §1 */
export const llavaNext: VisionLanguageFamily<LlavaNextConfig> = {
  name: 'llava-next',
  kind: 'vision-language',
  objective: 'autoregressive',
  matches: (json) => json.model_type === 'llava_next',
  parseConfig: parseLlavaNextConfig,
  weightSpellings: (name) => llavaSpellings(name),
  runtimeName: llavaRuntimeName,
  shape: llava.shape,
  buildVision: buildLlavaNextVision,
  buildDecoder: buildLlavaDecoder,
  processor: llavaNextProcessor,
}
