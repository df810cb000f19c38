/**
 * @file `twin-diffusion` of equal compute: half as many updates, because each of them runs its
 * batch twice. A snapshot at half of the updates of `twin-diffusion` is no such twin: its rates
 * have not come down, and its last phase of samples has not begun.
 */

import { TWIN_TRAINING } from '../recipe.ts'
import type { Twin } from './twin.ts'
import { twinDiffusion } from './twin-diffusion.ts'

const UPDATES = TWIN_TRAINING.steps / 2

export const twinDiffusionHalf: Twin = {
  ...twinDiffusion,
  name: 'twin-diffusion-half',
  updates: UPDATES,
  card: {
    ...twinDiffusion.card,
    summary:
      'The twin `twin-diffusion` with half as many updates: it was trained with the compute of ' +
      '`twin-ar`, not with its number of updates. All else is equal.',
    unequal: [
      `${UPDATES} updates, where \`twin-ar\` and \`twin-diffusion\` have ${TWIN_TRAINING.steps}: its decoder ` +
        'runs over as many positions as that of `twin-ar`. It sees half as many samples and pictures.',
      'Warm-up, phases of samples and cool-down stand at the same shares of the updates, so that they ' +
        'are half as long.',
    ],
    sections: [],
  },
}
