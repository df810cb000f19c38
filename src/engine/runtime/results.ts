/** @file Reads single results of a run, with an error in place of a missing one. */

import { isF32, type Tensor } from '../../foundation/numeric/tensor.ts'
import { RuntimeError } from './errors.ts'

/**
 * The f32 result `name` of a run. A caller that took zeros, or nothing, for a missing result would
 * make wrong vectors without a word.
 * @param results of a session's `run`, by name
 * @example const vectors = f32Of(await session.run(feeds), 'vectors') // [batch, dim] f32
 * @throws RuntimeError `runtime/result` when the run gave no such result, or gave it in another
 *   dtype
 */
export function f32Of(results: Readonly<Record<string, Tensor>>, name: string): Tensor<'f32'> {
  const found = Object.hasOwn(results, name) ? results[name] : undefined
  if (found !== undefined && isF32(found)) return found
  const given = Object.entries(results).map(([other, { dtype, dims }]) => `${other} ${dtype} [${dims}]`)
  throw new RuntimeError('result', {
    message: `the run gave no f32 result ${name}; it gave ${given.join(', ') || 'nothing'}`,
    hint: 'This is a defect of the graph or of its caller: please report it with the command that led here.',
  })
}
