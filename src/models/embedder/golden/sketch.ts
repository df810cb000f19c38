/**
 * @file A sketch of a stage: so few numbers that they can lie beside a model, and enough to find
 * where two computations part.
 */

import { toF32 } from '../../../foundation/numeric/float.ts'
import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'

/**
 * Elements of a sketch. An error in one element of a stage spreads over all elements of the next
 * one, so a sample finds it there at the latest.
 */
const SAMPLES = 256

/**
 * Keeps all whole numbers (ids, positions), and other numbers at even distances.
 * @returns `[elements]`; the first is the stage's length
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
 * Largest allowed difference of a stage. It is the vector's tolerance in proportion to the stage's
 * own size, because the elements of a unit vector are small.
 */
export function sketchTolerance(stage: string, expected: Tensor<'f32'>, tolerance: number): number {
  if (stage.endsWith('_ids')) return 0.5
  const largest = expected.data.subarray(1).reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  return stage === 'vector' ? tolerance : 10 * tolerance * Math.max(largest, Number.MIN_VALUE)
}

/** Stages before the layers, by how their names begin, and those after them. */
const EARLY = [
  'input_ids',
  'position_ids',
  'pixel_values',
  'vision',
  'merger',
  'projector',
  'deepstack',
  'pooled',
  'codes',
  'image_embeds',
  'inputs',
]
const LATE = ['norm', 'text_embeds', 'vector']

/**
 * The place of a stage in the order of the computation, for comparisons of files: these hold
 * stages in the order of their names. Stages of one place stand beside each other.
 */
export function stageOrder(stage: string): number {
  const place = EARLY.findIndex((name) => stage.startsWith(name))
  if (place >= 0) return place
  const [, layer] = /^layer\.(\d+)$/.exec(stage) ?? []
  if (layer !== undefined) return EARLY.length + Number(layer)
  const late = LATE.indexOf(stage)
  // A stage of a family that is not named here lies between the tower and the decoder.
  return late < 0 ? EARLY.indexOf('inputs') : Number.MAX_SAFE_INTEGER - LATE.length + late
}
