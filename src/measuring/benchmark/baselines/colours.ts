/** @file A histogram of colours as an embedding: which colours, and not where. */

import { l2NormaliseRows } from '../../../foundation/numeric/linear.ts'
import { f32 } from '../../../foundation/numeric/tensor.ts'
import type { VectorMaker } from '../../../models/embedder/vectors/maker.ts'
import { BenchmarkError } from '../errors.ts'
import { pixelsApply } from '../pixels.ts'
import type { PlainBaseline } from './baseline.ts'

/** Steps of each channel. */
const STEPS = 8
const LENGTH = STEPS ** 3

/**
 * The share of pixels in each of 8 × 8 × 8 cells of RGB, its square root: the cosine of two is then
 * the Bhattacharyya coefficient of their colours. An item needs one picture; its words are ignored.
 */
const maker: VectorMaker = {
  id: 'colours',
  hash: `colours ${STEPS} square root`,
  readouts: ['colours'],
  async embed(items) {
    const out = new Float32Array(items.length * LENGTH)
    for (const [i, { key, image = [] }] of items.entries()) {
      const [picture, ...more] = image
      if (picture === undefined || more.length > 0) {
        throw new BenchmarkError('vectors', {
          message: `item ${key} has ${image.length} pictures, expected one`,
          hint: 'Colours can be compared where every item has one picture.',
        })
      }
      const { data } = await picture.read()
      const cells = out.subarray(i * LENGTH, (i + 1) * LENGTH)
      const step = (level: number) => (level * STEPS) >> 8
      for (let at = 0; at < data.length; at += 3) {
        const cell = (step(data[at]!) * STEPS + step(data[at + 1]!)) * STEPS + step(data[at + 2]!)
        cells[cell] = cells[cell]! + 1
      }
      for (let cell = 0; cell < LENGTH; cell++) cells[cell] = Math.sqrt(cells[cell]!)
    }
    return { vectors: { colours: l2NormaliseRows(f32([items.length, LENGTH], out)) } }
  },
}

/** Which colours a picture has. */
export const colours: PlainBaseline = {
  kind: 'plain',
  name: 'colours',
  label: 'colour histogram',
  maker,
  applies: pixelsApply,
}
