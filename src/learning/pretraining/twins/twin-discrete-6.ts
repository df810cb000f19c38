/** @file `twin-discrete` on fewer codes: 64, of 6 bits each. */

import { codesConfig, codesUnequal } from './codes-config.ts'
import type { Twin } from './twin.ts'
import { DISCRETE_UNEQUAL, twinDiscrete } from './twin-discrete.ts'

const PICTURES = 'image-tokenizer-6'

export const twinDiscrete6: Twin = {
  ...twinDiscrete,
  name: 'twin-discrete-6',
  pictures: PICTURES,
  config: codesConfig(PICTURES),
  card: {
    ...twinDiscrete.card,
    summary:
      'The twin `twin-discrete` with fewer codes: those of an image tokenizer of 6 bits, 64 codes in ' +
      'all. Table and head are smaller by as many rows. All else is equal.',
    unequal: [...codesUnequal(PICTURES), ...DISCRETE_UNEQUAL],
  },
}
