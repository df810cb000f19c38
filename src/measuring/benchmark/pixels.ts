/** @file Raw pixels as an embedding: what no model is needed for. */

import { l2NormaliseRows } from '../../foundation/numeric/linear.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { resize } from '../../inputs/media/index.ts'
import { BenchmarkError } from './errors.ts'
import type { EmbeddingModel } from './model.ts'
import type { BenchmarkTask } from './task.ts'

const SIDE = 16
const LENGTH = SIDE * SIDE * 3

/**
 * Averages of 16 × 16 boxes in three channels, less their mean, to unit length. Items need a
 * picture; words are not looked at.
 */
export const pixels: EmbeddingModel = {
  id: 'pixels',
  hash: `pixels ${SIDE} centred`,
  readouts: ['pixels'],
  async embed(items) {
    const out = new Float32Array(items.length * LENGTH)
    for (const [i, { key, picture }] of items.entries()) {
      if (picture === undefined) {
        throw new BenchmarkError('vectors', {
          message: `"${key}" has no picture`,
          hint: 'Raw pixels can be compared where all items are pictures.',
        })
      }
      const small = resize(picture.read(), { width: SIDE, height: SIDE }, 'box').data
      const mean = small.reduce((sum, level) => sum + level, 0) / LENGTH
      for (let at = 0; at < LENGTH; at++) out[i * LENGTH + at] = small[at]! - mean
    }
    return { pixels: l2NormaliseRows(f32([items.length, LENGTH], out)) }
  },
}

/** Whether raw pixels can be compared: every query and candidate has a picture. */
export function pixelsApply({ test }: BenchmarkTask): boolean {
  return test.every(
    ({ query, candidates }) =>
      query.picture !== undefined && candidates.every(({ picture }) => picture !== undefined),
  )
}
