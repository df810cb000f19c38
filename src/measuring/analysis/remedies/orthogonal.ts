/** @file Remedy: the rotation that brings images nearest to their texts. */

import { transpose } from '../../../foundation/numeric/linear.ts'
import { rotationOf } from '../rotation.ts'
import { centring, type Remedy, unit } from './remedy.ts'

export const orthogonal: Remedy = {
  label: 'rotated',
  meaning:
    'Centred, and the images are turned as a whole to lie nearest to their texts: cosines among images stay.',
  source: 'Schönemann 1966 (orthogonal Procrustes)',
  async fit(pairs, { products }) {
    const centre = centring(pairs)
    const { images, texts } = centre(pairs)
    const turn = transpose(await rotationOf(images, texts, products))
    return {
      setting: null,
      async apply(others) {
        const moved = centre(others)
        return unit({ images: await products.times(moved.images, turn), texts: moved.texts })
      },
    }
  },
}
