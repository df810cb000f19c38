/** @file `twin-ar` on a tower of the same shape that no text taught. */

import type { Twin } from './twin.ts'
import { twinAr } from './twin-ar.ts'

export const twinArUnaligned: Twin = {
  ...twinAr,
  name: 'twin-ar-unaligned',
  pictures: 'tower-unaligned',
  card: {
    ...twinAr.card,
    summary:
      'The twin `twin-ar` with another tower: one of the same shape that learnt from pictures ' +
      'alone, by filling in what is hidden of them. All else is equal.',
    sections: [],
  },
}
