/**
 * @file The discrete twin that predicts the next token: MMaDA layout under a causal mask. Nobody
 * publishes such a model; it is the fourth cell of objective × picture path.
 */

import { codesConfig, codesUnequal } from './codes-config.ts'
import type { Twin } from './twin.ts'

export const twinArDiscrete: Twin = {
  name: 'twin-ar-discrete',
  objective: 'next-token',
  pictures: 'image-tokenizer',
  attention: 'causal',
  config: codesConfig('image-tokenizer'),
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
      ...codesUnequal('image-tokenizer'),
      'Codes are predicted one after another, row by row of the picture, as are words.',
    ],
    sections: [],
  },
}
