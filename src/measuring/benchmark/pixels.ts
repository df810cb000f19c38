/** @file Raw pixels as an embedding: a baseline without a model. */

import { l2NormaliseRows } from '../../foundation/numeric/linear.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import type { Task } from '../../inputs/data/task.ts'
import { resize } from '../../inputs/media/resize.ts'
import type { VectorMaker } from '../../models/embedder/vectors/maker.ts'
import { BenchmarkError } from './errors.ts'

const SIDE = 16
const LENGTH = SIDE * SIDE * 3

/**
 * Averages 16 × 16 boxes in three channels, takes their mean away, and scales to unit length. An
 * item needs one picture; its words are ignored.
 */
export const pixels: VectorMaker = {
  id: 'pixels',
  hash: `pixels ${SIDE} centred`,
  readouts: ['pixels'],
  async embed(items) {
    const out = new Float32Array(items.length * LENGTH)
    for (const [i, { key, image = [] }] of items.entries()) {
      const [picture, ...more] = image
      if (picture === undefined || more.length > 0) {
        throw new BenchmarkError('vectors', {
          message: `item ${key} has ${image.length} pictures, expected one`,
          hint: 'Raw pixels can be compared where every item has one picture.',
        })
      }
      const small = resize(await picture.read(), { width: SIDE, height: SIDE }, 'box').data
      const mean = small.reduce((sum, level) => sum + level, 0) / LENGTH
      for (let at = 0; at < LENGTH; at++) out[i * LENGTH + at] = small[at]! - mean
    }
    return { vectors: { pixels: l2NormaliseRows(f32([items.length, LENGTH], out)) } }
  },
}

/** Whether raw pixels can be compared: every query and candidate has one picture. */
export function pixelsApply({ test }: Task): boolean {
  const pictured = ({ image }: KeyedItem) => image?.length === 1
  return test.every(({ query, candidates }) => pictured(query) && candidates.every(pictured))
}
