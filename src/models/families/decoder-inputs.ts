/** @file Inputs of a decoder's graph, and what to feed the positions with. */

import type { Graph, Value } from '../../engine/graph/graph.ts'
import { reshape } from '../../engine/graph/shaping.ts'
import { i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { DecoderInputs, PreparedItem, VisionLanguageShape } from './family.ts'

/** Width of an image table's rows. */
export function rowWidth({
  hidden,
  rowWidth: width = hidden,
}: Pick<VisionLanguageShape, 'hidden' | 'rowWidth'>): number {
  return width
}

/**
 * Declares `input_ids`, `attention_mask`, `image_index` `[batch, seq]`, `image_rows`
 * `[rows, width]` and, for families whose positions have several numbers, `position_ids`
 * `[axes, batch, seq]`.
 * @param suffix behind each name and symbol but `image_rows` and `rows`, where a graph runs several
 *   groups of sequences that share one image table
 */
export function decoderInputs(
  graph: Graph,
  shape: VisionLanguageShape,
  suffix = '',
): Required<Omit<DecoderInputs, 'positions'>> & DecoderInputs {
  const dims = [`batch${suffix}`, `seq${suffix}`]
  const integers = (name: string): Value<'i64'> => graph.input(`${name}${suffix}`, 'i64', dims)
  const { positionAxes } = shape
  return {
    inputIds: integers('input_ids'),
    attentionMask: integers('attention_mask'),
    imageIndex: integers('image_index'),
    imageRows: graph.input('image_rows', 'f32', ['rows', rowWidth(shape)]),
    positions:
      positionAxes === undefined
        ? undefined
        : graph.input(`position_ids${suffix}`, 'i64', [positionAxes, ...dims]),
  }
}

/**
 * Positions of a decoder that counts in one dimension.
 * @param positions `[1, batch, seq] i64`
 * @returns `[batch, seq]`; `undefined`: 0, 1, …
 */
export function plainPositions({ positions }: Pick<DecoderInputs, 'positions'>): Value<'i64'> | undefined {
  return positions && reshape(positions, positions.dims.slice(1))
}

/**
 * `position_ids` of a padded batch, nothing for families that have none.
 * @param starts where each item begins in its row; default 0, padding to the right
 * @param name   of the input, where a graph has several
 */
export function positionFeeds(
  items: readonly Pick<PreparedItem, 'positions'>[],
  seq: number,
  starts: readonly number[] = [],
  name = 'position_ids',
): Record<string, Tensor> {
  const axes = Math.max(0, ...items.map(({ positions = [] }) => positions.length))
  if (axes === 0) return {}
  const values = new Array<number>(axes * items.length * seq).fill(0)
  for (const [i, { positions = [] }] of items.entries()) {
    for (const [axis, row] of positions.entries())
      for (const [at, value] of row.entries())
        values[(axis * items.length + i) * seq + (starts[i] ?? 0) + at] = value
  }
  return { [name]: i64([axes, items.length, seq], values) }
}
