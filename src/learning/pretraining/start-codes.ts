/** @file Where the rows of image codes start in a twin's table and head. */

import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { LLADA_PLACES } from '../../models/families/decoders/llada.ts'
import { VOCABULARY } from './recipe.ts'

/**
 * A code's row is the sum of one vector for each bit, with the bit's sign: codes that share bits
 * start alike, and the row of a rare code means something before it is learnt. The head starts as a
 * copy of the table, as twins whose layout ties the two have it.
 * @see specs/twins.md §5
 */
export function startCodes(
  parameters: Readonly<Record<string, Tensor<'f32'>>>,
  { bits, seed, std }: { bits: number; seed: number; std: number },
): void {
  const table = parameters[`${LLADA_PLACES.embeddings}.weight`]!
  const width = table.dims[1]!
  const each = fillNormal(
    new Float32Array(bits * width),
    std / Math.sqrt(bits),
    stream(seed, 'initial', 'bits of codes'),
  )
  for (let code = 0; code < 2 ** bits; code++) {
    const row = table.data.subarray((VOCABULARY + code) * width, (VOCABULARY + code + 1) * width).fill(0)
    for (let bit = 0; bit < bits; bit++) {
      const sign = (code >> (bits - 1 - bit)) & 1 ? 1 : -1
      for (let i = 0; i < width; i++) row[i]! += sign * each[bit * width + i]!
    }
  }
  parameters[`${LLADA_PLACES.head}.weight`]!.data.set(table.data)
}
