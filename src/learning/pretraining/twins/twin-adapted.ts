/**
 * @file The adapted twin: the autoregressive twin trained on with masks, under full attention, as
 * Dream and DiffusionVL came from autoregressive models.
 * @see Ye et al. 2025 (Dream 7B), §3
 */

import { TWIN_TRAINING } from '../recipe.ts'
import type { Twin } from './twin.ts'
import { twinDiffusion } from './twin-diffusion.ts'

export const twinAdapted: Twin = {
  ...twinDiffusion,
  name: 'twin-adapted',
  goesOn: { from: 'twin-ar', steps: TWIN_TRAINING.steps },
  card: {
    ...twinDiffusion.card,
    summary:
      'The adapted twin: `twin-ar` trained on with the masked-diffusion objective and full ' +
      'attention for a fifth of its updates, in the layout of `twin-diffusion`. Most diffusion ' +
      'models came about like this, from autoregressive ones.',
    unequal: [
      'It has seen a fifth more samples than either parent. A fifth of the updates with masks costs ' +
        'about as much as two fifths of the updates before.',
      "Masks do not shift: the state at a masked position predicts that position's token, which " +
        '`twin-ar` predicted one position earlier (Dream keeps the shift).',
    ],
  },
}
