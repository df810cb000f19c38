/** @file Idefics3 and SmolVLM. */

import type { VisionLanguageFamily } from '../family.ts'
import { type Idefics3Config, parseIdefics3Config } from './config.ts'
import { buildIdefics3Decoder, buildIdefics3Vision } from './model.ts'
import { idefics3Processor } from './processor.ts'
import { idefics3Spellings } from './weights.ts'

/** @see specs/ar-vlms.md §5 */
export const idefics3: VisionLanguageFamily<Idefics3Config> = {
  name: 'idefics3',
  kind: 'vision-language',
  objective: 'autoregressive',
  matches: (json) => json.model_type === 'idefics3' || json.model_type === 'smolvlm',
  parseConfig: parseIdefics3Config,
  weightSpellings: (name) => idefics3Spellings(name),
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
  buildVision: buildIdefics3Vision,
  buildDecoder: buildIdefics3Decoder,
  processor: idefics3Processor,
}
