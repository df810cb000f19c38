/** @file Remedy: the mean of each modality is taken away. */

import { centring, type Remedy, unit } from './remedy.ts'

export const centred: Remedy = {
  label: 'centred',
  meaning: 'The mean of each modality is taken away: no centroid gap is left.',
  source: 'Liang et al. 2022; arXiv 2507.19054',
  async fit(pairs) {
    const centre = centring(pairs)
    return { setting: null, apply: async (others) => unit(centre(others)) }
  },
}
