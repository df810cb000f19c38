/**
 * @file LLaVA-1.5 in its authors' own layout, tower included: the model of `llava` under other
 * names, keys and picture rules.
 */

import type { VisionLanguageFamily } from '../family.ts'
import { llava } from '../llava/index.ts'
import { isOriginalLlava, type LlavaOriginalConfig, parseLlavaOriginalConfig } from './config.ts'
import { llavaOriginalProcessor } from './processor.ts'
import { llavaOriginalSpellings } from './weights.ts'

/** @see Liu et al. 2023; specs/ar-vlms.md §1.2 */
export const llavaOriginal: VisionLanguageFamily<LlavaOriginalConfig> = {
  ...llava,
  name: 'llava-original',
  matches: isOriginalLlava,
  parseConfig: parseLlavaOriginalConfig,
  weightSpellings: (name) => llavaOriginalSpellings(name),
  shape: (config) => ({ ...llava.shape(config), maxLength: config.maxLength }),
  processor: llavaOriginalProcessor,
}
