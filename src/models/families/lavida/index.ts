/** @file LaViDa on LLaDA and on Dream: masked diffusion, full attention. */

import type { VisionLanguageFamily } from '../family.ts'
import { isLavida, type LavidaConfig, parseLavidaConfig } from './config.ts'
import { buildDecoder, buildVision } from './model.ts'
import { lavidaProcessor } from './processor.ts'
import { type LavidaSettings, lavidaSettings } from './settings.ts'
import { lavidaSpellings } from './weights.ts'

export const lavida: VisionLanguageFamily<LavidaConfig, LavidaSettings> = {
  kind: 'vision-language',
  objective: 'diffusion',
  settings: lavidaSettings,
  name: 'lavida',
  matches: isLavida,
  parseConfig: parseLavidaConfig,
  weightSpellings: lavidaSpellings,
  shape: ({ decoder, vision, maxLength }) => ({
    hidden: decoder.hidden,
    layers: decoder.layers,
    heads: decoder.heads,
    keyValueHeads: decoder.keyValueHeads,
    vocabulary: decoder.vocabulary,
    view: [vision.channels, vision.image, vision.image],
    maxLength,
    nativeAttention: 'bidirectional',
  }),
  buildVision,
  buildDecoder,
  processor: lavidaProcessor,
}
