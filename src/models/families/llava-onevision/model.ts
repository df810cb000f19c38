/**
 * @file LLaVA-OneVision: LLaVA-NeXT whose rows are packed within the tower's graph, because large
 * maps are scaled down.
 */

import { add, mul } from '../../../engine/graph/elementwise.ts'
import type { Value } from '../../../engine/graph/graph.ts'
import { gather } from '../../../engine/graph/indexing.ts'
import { reshape, slice } from '../../../engine/graph/shaping.ts'
import type { Scope } from '../../../engine/nn/scope.ts'
import type { VisionPieces } from '../family.ts'
import type { LlavaConfig } from '../llava/config.ts'
import { buildLlavaNextVision } from '../llava-next/model.ts'
import { SOURCES } from './packing.ts'

/**
 * Declares the inputs of `packedRows`.
 * @returns stages as LLaVA's; rows `[packed, hidden]`: those of all pictures as they enter the
 *   sequence
 */
export function buildLlavaOnevisionVision(
  scope: Scope,
  config: LlavaConfig,
  pixelValues: Value<'f32'>,
): VisionPieces {
  const { stages, rows } = buildLlavaNextVision(scope, config, pixelValues)
  return { stages, rows: packedRows(rows) }
}

/**
 * Declares the inputs of `Packing.feeds`.
 * @param rows `[rows, hidden]`
 * @returns `[packed, hidden]`
 */
export function packedRows(rows: Value<'f32'>): Value<'f32'> {
  const index = rows.graph.input('pack_index', 'i64', [SOURCES, 'packed'])
  const share = rows.graph.input('pack_share', 'f32', [SOURCES, 'packed', 1])
  // One source after the other: all four at once would take four times the memory.
  const source = (at: number) =>
    mul(
      gather(rows, reshape(slice(index, 0, at, at + 1), ['packed'])),
      reshape(slice(share, 0, at, at + 1), ['packed', 1]),
    )
  let packed = source(0)
  for (let at = 1; at < SOURCES; at++) packed = add(packed, source(at))
  return packed
}
