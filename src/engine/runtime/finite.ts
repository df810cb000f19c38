/**
 * @file Looks for NaN, infinity and vectors of zeros in outputs. A search in the weights would read
 * every mapped page.
 */

import { toF32 } from '../../foundation/numeric/float.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { RuntimeError } from './errors.ts'

/**
 * Checks that results hold no NaN and no infinity.
 * @param outputs results of a run; arrays of whole numbers are not checked
 * @throws RuntimeError `runtime/not-finite` naming the first output with a NaN or an infinity, the
 *   element, and how many there are
 */
export function assertFinite(outputs: Readonly<Record<string, Tensor>>): void {
  for (const [name, value] of Object.entries(outputs)) {
    if (value.dtype !== 'f32' && value.dtype !== 'f16' && value.dtype !== 'bf16') continue
    const { data } = toF32(value)
    const first = data.findIndex((element) => !Number.isFinite(element))
    if (first < 0) continue
    const count = data.reduce((sum, element) => sum + (Number.isFinite(element) ? 0 : 1), 0)
    throw new RuntimeError('not-finite', {
      message: `output ${name} [${value.dims.join(', ')}] holds ${data[first]} at element ${first} (${count} of ${data.length} are not finite)`,
      hint: 'Is a weight file damaged, or does a reduced precision overflow? Try dtype f32 (--dtype f32); in training, a lower learning rate.',
    })
  }
}

/**
 * Checks that no vector is all zeros. A model whose weights are zeros gives such vectors: a file
 * that was reserved for a download that did not end, for example.
 * @param vectors `[rows, dim]`
 * @throws RuntimeError `runtime/not-finite` naming the first row without a direction, and how many
 *   there are
 */
export function assertDirections(name: string, { dims, data }: Tensor<'f32'>): void {
  const [rows = 0, dim = 0] = dims
  const zeros = Array.from({ length: rows }, (_, row) => row).filter((row) =>
    data.subarray(row * dim, (row + 1) * dim).every((element) => element === 0),
  )
  const [first] = zeros
  if (first === undefined) return
  throw new RuntimeError('not-finite', {
    message:
      `output ${name} [${dims.join(', ')}] holds nothing but zeros in row ${first} (${zeros.length} of ` +
      `${rows} rows): a vector without direction`,
    hint: 'Are the weights zeros, as of a download that did not end? Fetch them again.',
  })
}
