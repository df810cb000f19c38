/** @file LLaVA-1.5: a CLIP or SigLIP tower, a two-layer projector, a causal decoder. */

import type { VisionLanguageFamily } from '../family.ts'
import { type LlavaConfig, parseLlavaConfig } from './config.ts'
import { buildLlavaDecoder, buildLlavaVision } from './model.ts'
import { llavaProcessor } from './processor.ts'
import { llavaRuntimeName, llavaSpellings } from './weights.ts'

/** @see Liu et al. 2023; specs/ar-vlms.md §1 */
export const llava: VisionLanguageFamily<LlavaConfig> = {
  name: 'llava',
  kind: 'vision-language',
  objective: 'autoregressive',
  matches: (json) => json.model_type === 'llava',
  parseConfig: (json) => parseLlavaConfig(json),
  weightSpellings: (name) => llavaSpellings(name),
  runtimeName: llavaRuntimeName,
  shape: ({ text, vision }) => ({
    hidden: text.hidden,
    layers: text.layers,
    heads: text.heads,
    keyValueHeads: text.keyValueHeads,
    vocabulary: text.vocabulary,
    view: [vision.channels, vision.image, vision.image],
    maxLength: text.maxPositions,
    nativeAttention: 'causal',
  }),
  buildVision: buildLlavaVision,
  buildDecoder: buildLlavaDecoder,
  processor: llavaProcessor,
}
