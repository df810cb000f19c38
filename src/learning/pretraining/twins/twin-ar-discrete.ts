/**
 * @file The discrete twin that predicts the next token: MMaDA layout under a causal mask. Nobody
 * publishes such a model; it is the fourth cell of objective × picture path.
 */

import { CODES_CONFIG, CODES_UNEQUAL } from './codes-config.ts'
import type { Twin } from './twin.ts'

export const twinArDiscrete: Twin = {
  name: 'twin-ar-discrete',
  objective: 'next-token',
  pictures: 'image-tokenizer',
  attention: 'causal',
  config: CODES_CONFIG,
  files: {},
  unread: [],
  card: {
    library: 'bifocal',
    summary:
      'The discrete twin that predicts the next token: the layout of `twin-discrete` (MMaDA) under ' +
      'a causal mask, which `embedder.json` sets, because the layout knows none. Its objective is ' +
      'its own, not its family’s. Its sibling `twin-ar` differs in the way pictures come in.',
    answered: 'generated',
    unequal: [
      ...CODES_UNEQUAL,
      'Codes are predicted one after another, row by row of the picture, as are words.',
    ],
    sections: [],
  },
}
