/** @file MMaDA: discrete image tokens and masked diffusion, full attention. */

import type { VisionLanguageFamily } from '../family.ts'
import { magvitV2 } from './companion.ts'
import { type MmadaConfig, parseMmadaConfig } from './config.ts'
import { buildDecoder, buildVision } from './model.ts'
import { mmadaProcessor } from './processor.ts'
import { type MmadaSettings, mmadaSettings } from './settings.ts'
import { mmadaSpellings } from './weights.ts'

/** @see specs/mmada.md */
export const mmada: VisionLanguageFamily<MmadaConfig, MmadaSettings> = {
  kind: 'vision-language',
  objective: 'diffusion',
  settings: mmadaSettings,
  name: 'mmada',
  matches: (json) => json.model_type === 'mmada',
  companion: magvitV2,
  parseConfig: parseMmadaConfig,
  weightSpellings: mmadaSpellings,
  shape: ({ decoder, resolution, codebook }) => ({
    hidden: decoder.hidden,
    layers: decoder.layers,
    heads: decoder.heads,
    keyValueHeads: decoder.keyValueHeads,
    vocabulary: decoder.vocabulary,
    view: [3, resolution, resolution],
    rowWidth: 1,
    imageCodes: codebook,
    maxLength: decoder.maxPositions,
    nativeAttention: 'bidirectional',
  }),
  buildVision,
  buildDecoder,
  processor: mmadaProcessor,
}
