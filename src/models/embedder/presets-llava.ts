/**
 * @file Contracts of published embedders on LLaVA's families and LaViDa.
 * @see specs/ar-vlms.md §8; specs/embedders.md
 */

import { PLAIN_IMAGES } from './image-policy.ts'
import { cosines, LAST, MEAN, type Preset, QUESTION, VLM2VEC } from './preset.ts'

/** One word asked for: the state after `Summary above …` is the vector. */
const e5v = (words: string) =>
  `<|start_header_id|>user<|end_header_id|>\n\n${words} in one word: <|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n \n`

export const llavaPresets = {
  'vlm2vec-llava-next': {
    repositories: ['TIGER-Lab/VLM2Vec-LLaVa-Next'],
    family: 'llava-next',
    verified: false,
    contract: {
      prompt: { template: VLM2VEC },
      image: { ...PLAIN_IMAGES, squash: { width: 1344, height: 1344 } },
      readout: LAST,
    },
    published: { query: QUESTION, candidates: cosines(0.4375, 0.3535), tolerance: 0.02, plainImages: true },
  },
  'e5-v': {
    repositories: ['royokong/e5-v'],
    family: 'llava-next',
    verified: false,
    contract: {
      prompt: {
        template: {
          text: e5v('{text}\nSummary above sentence'),
          image: e5v('{image}\nSummary above image'),
          both: e5v('{image}\n{text}\nSummary above image and text'),
        },
      },
      image: PLAIN_IMAGES,
      readout: LAST,
    },
  },
  'lavida-zero-shot': {
    // Its weights are LaViDa's own, whose name must not choose it.
    repositories: [],
    family: 'lavida',
    verified: false,
    contract: {
      prompt: {
        template: {
          text: '{text} conclusion this in one sentence.',
          image: '{image}\nDescribe the image in one sentence.',
        },
      },
      image: PLAIN_IMAGES,
      masks: 8,
      readout: MEAN,
    },
  },
  // mteb's unime_v2_models.py, and the authors' demo and model_utils.py
  // (github.com/GaryGuTC/UniME-v2), which agree. The chat template is the folder's own.
  'unime-v2-llava-onevision': {
    repositories: ['TianchengGu/UniME-V2-LLaVA-OneVision-8B'],
    family: 'llava-onevision',
    verified: false,
    contract: {
      prompt: { trimmed: true, wordless: 'Find an image caption describing the given image.' },
      image: { ...PLAIN_IMAGES, squash: { width: 1344, height: 1344 } },
      readout: LAST,
    },
  },
} as const satisfies Readonly<Record<string, Preset>>
