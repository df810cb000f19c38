/** @file Image rows put among text embeddings. */

import { less, where } from '../../engine/graph/elementwise.ts'
import type { Value } from '../../engine/graph/graph.ts'
import { gather } from '../../engine/graph/indexing.ts'
import { reshape } from '../../engine/graph/shaping.ts'
import type { Scope } from '../../engine/nn/scope.ts'
import type { DecoderInputs } from './family.ts'

/**
 * `[batch, seq, hidden]` embeddings of ids, overwritten by image rows where `imageIndex` is not -1.
 * @param table full name of the embedding table within `scope`, `[vocabulary, hidden]`
 */
export function embedAndSplice(
  scope: Scope,
  table: string,
  [vocabulary, hidden]: readonly [number, number],
  { inputIds, imageRows, imageIndex }: Pick<DecoderInputs, 'inputIds' | 'imageRows' | 'imageIndex'>,
): Value<'f32'> {
  const text = scope.rows(table, [vocabulary, hidden], inputIds)
  if (imageRows === undefined || imageIndex === undefined) return text
  // Index -1 reads the last row, which `where` then hides.
  return where(less(reshape(imageIndex, [...imageIndex.dims, 1]), 0), text, gather(imageRows, imageIndex))
}
