/**
 * @file A stage in few numbers: enough to tell where a computation leaves another, little enough to
 * lie beside a model.
 */

import { toF32 } from '../../../foundation/numeric/float.ts'
import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'

/**
 * An error in one element of a stage spreads over all of the next: a sample finds it there at the
 * latest.
 */
const SAMPLES = 256

/**
 * Whole numbers (ids, positions) all, others at even distances. @returns `[elements]`, its length
 * first
 */
export function sketchOf(stage: Tensor): Tensor<'f32'> {
  if (stage.data instanceof BigInt64Array)
    return f32([stage.data.length + 1], [stage.data.length, ...Array.from(stage.data, Number)])
  const { data } = toF32(stage)
  const count = Math.min(SAMPLES, data.length)
  const step = data.length / Math.max(1, count)
  return f32(
    [count + 1],
    [data.length, ...Array.from({ length: count }, (_, i) => data[Math.floor(i * step)]!)],
  )
}

/**
 * Largest allowed difference of a stage: the vector's, in proportion to the stage's own size; a
 * unit vector's elements are small.
 */
export function sketchTolerance(stage: string, expected: Tensor<'f32'>, tolerance: number): number {
  if (stage.endsWith('_ids')) return 0.5
  const largest = expected.data.subarray(1).reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  return stage === 'vector' ? tolerance : 10 * tolerance * Math.max(largest, Number.MIN_VALUE)
}
