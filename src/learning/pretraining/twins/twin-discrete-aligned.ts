/** @file `twin-discrete` on codes that had to predict the caption too. */

import type { Twin } from './twin.ts'
import { twinDiscrete } from './twin-discrete.ts'

export const twinDiscreteAligned: Twin = {
  ...twinDiscrete,
  name: 'twin-discrete-aligned',
  pictures: 'image-tokenizer-aligned',
  card: {
    ...twinDiscrete.card,
    summary:
      'The twin `twin-discrete` with other codes: those of an image tokenizer that also had to ' +
      'predict the caption of its picture. All else is equal.',
  },
}
