/** @file `twin-diffusion` on a tower of the same shape that no text taught. */

import type { Twin } from './twin.ts'
import { twinDiffusion } from './twin-diffusion.ts'

export const twinDiffusionUnaligned: Twin = {
  ...twinDiffusion,
  name: 'twin-diffusion-unaligned',
  pictures: 'tower-unaligned',
  card: {
    ...twinDiffusion.card,
    summary:
      'The twin `twin-diffusion` with another tower: one of the same shape that learnt from ' +
      'pictures alone, by filling in what is hidden of them. All else is equal.',
    sections: [],
  },
}
