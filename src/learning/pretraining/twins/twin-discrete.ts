/**
 * @file The discrete twin: MMaDA layout, pictures as codes of the vocabulary, bidirectional
 * attention, MMaDA's unified masked-diffusion objective.
 */

import { codesConfig, codesUnequal } from './codes-config.ts'
import type { Twin } from './twin.ts'

/** Differences of the objective, whatever the codes. */
export const DISCRETE_UNEQUAL: readonly string[] = [
  'Answers are masked once, to a degree of their own, and count the inverse of it (MMaDA); ' +
    '`twin-diffusion` masks them twice, complementarily (LaViDa). Rows of pictures make up for ' +
    'the second copy in captions and labels only: in other batches a step costs half of that of ' +
    '`twin-diffusion`. Losses with real and shuffled pictures are measured with complementary ' +
    'masks in both.',
]

export const twinDiscrete: Twin = {
  name: 'twin-discrete',
  objective: 'masked-diffusion',
  pictures: 'image-tokenizer',
  config: codesConfig('image-tokenizer'),
  files: {},
  unread: [],
  card: {
    library: 'bifocal',
    summary:
      'The discrete twin, in MMaDA layout: pictures are codes of an image tokenizer, which stand ' +
      'among the ids of the vocabulary; bidirectional attention and the unified masked-diffusion ' +
      'objective of MMaDA. Its sibling `twin-ar-discrete` differs in objective and mask, ' +
      '`twin-diffusion` in the way pictures come in.',
    answered: 'infilled',
    unequal: [...codesUnequal('image-tokenizer'), ...DISCRETE_UNEQUAL],
    sections: [],
  },
}
