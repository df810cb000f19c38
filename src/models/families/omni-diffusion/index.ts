/**
 * @file Omni-Diffusion: Dream's decoder with full attention, pictures as ids of its vocabulary.
 * Speech is not read.
 */

import { huggingFaceDecoder } from '../decoders/hugging-face.ts'
import { HUGGING_FACE_PLACES } from '../decoders/llada.ts'
import type { VisionLanguageFamily } from '../family.ts'
import { magvitV2 } from '../mmada/companion.ts'
import { buildVision, idsWithCodes } from '../mmada/model.ts'
import { type MmadaSettings, mmadaSettings } from '../mmada/settings.ts'
import { type OmniDiffusionConfig, parseOmniDiffusionConfig } from './config.ts'
import { omniDiffusionProcessor } from './processor.ts'

/** Rows of plain Dream, a text model whose `model_type` is the same. */
const PLAIN_DREAM = 152_064

/** @see specs/diffusion-vlms-2.md, Omni-Diffusion */
export const omniDiffusion: VisionLanguageFamily<OmniDiffusionConfig, MmadaSettings> = {
  name: 'omni-diffusion',
  kind: 'vision-language',
  objective: 'diffusion',
  settings: mmadaSettings,
  matches: (json) => json.model_type === 'Dream' && json.vocab_size !== PLAIN_DREAM,
  companion: magvitV2,
  parseConfig: parseOmniDiffusionConfig,
  weightSpellings: (name) => [name],
  shape: ({ text, resolution, codebook }) => ({
    hidden: text.hidden,
    layers: text.layers,
    heads: text.heads,
    keyValueHeads: text.keyValueHeads,
    vocabulary: text.vocabulary,
    view: [3, resolution, resolution],
    rowWidth: 1,
    imageCodes: codebook,
    maxLength: text.maxPositions,
    nativeAttention: 'bidirectional',
  }),
  buildVision,
  buildDecoder: (scope, config, inputs, { attention = 'native' } = {}) => {
    const { vocabulary, hidden } = config.text
    const table = `${HUGGING_FACE_PLACES.embeddings}.weight`
    return huggingFaceDecoder(scope, config, inputs, {
      pattern: attention === 'native' ? 'bidirectional' : attention,
      embedded: scope.rows(table, [vocabulary, hidden], idsWithCodes(inputs)),
    })
  },
  processor: omniDiffusionProcessor,
}
