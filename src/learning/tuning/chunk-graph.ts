/**
 * @file The model in a training graph: groups of sequences of similar length, from ids (and
 * pixels, where the tower is trained) to the vectors of all readouts that are trained.
 */

import type { Value } from '../../engine/graph/graph.ts'
import { concat } from '../../engine/graph/shaping.ts'
import type { Scope } from '../../engine/nn/scope.ts'
import type { Readout } from '../../models/embedder/readout.ts'
import { readVectors } from '../../models/embedder/vision-language.ts'
import { decoderInputs } from '../../models/families/decoder-inputs.ts'
import type { DecoderOptions } from '../../models/families/family.ts'
import type { VisionLanguageModel } from '../../models/families/model.ts'

/**
 * How pictures enter a graph: not at all, as rows that were computed before, or as pixels, through
 * the tower and the projector.
 */
export type Pictures = 'none' | 'rows' | 'pixels'

export interface ChunkKind {
  /** Groups of sequences, each padded to its own longest. */
  readonly groups: number
  readonly pictures: Pictures
}

/** How sequences are read. */
export interface ReadAs {
  readonly attention: DecoderOptions['attention']
  readonly readouts: readonly Readout[]
}

/**
 * Declares the inputs of each group `i`: those of `decoderInputs` and `pool_weights`
 * `[poolings, batch, seq]`, with `i` behind each name; for all groups together `image_rows`
 * `[rows, width]`, or `pixel_values` `[views, …view]` and what else the tower wants.
 * @returns for each readout `[items, dims]` unit vectors, group after group
 */
export function chunkVectors(
  scope: Scope,
  model: VisionLanguageModel,
  { attention, readouts }: ReadAs,
  { groups, pictures }: ChunkKind,
): Value<'f32'>[] {
  const { graph } = scope
  const seen =
    pictures === 'pixels'
      ? model.buildVision(scope, graph.input('pixel_values', 'f32', ['views', ...model.shape.view])).rows
      : undefined
  const parts = Array.from({ length: groups }, (_, group) => {
    const suffix = String(group)
    const { imageRows, imageIndex, ...text } = decoderInputs(graph, model.shape, suffix)
    const inputs = pictures === 'none' ? text : { ...text, imageRows: seen ?? imageRows, imageIndex }
    return readVectors(model.buildDecoder(scope, inputs, { attention }), readouts, graph, suffix)
  })
  return readouts.map((_, readout) =>
    concat(
      parts.map((part) => part[readout]!),
      0,
    ),
  )
}

/**
 * Image rows that the tower gives for each view, where it gives equally many: the rest of its table
 * serves all views. 0 where a picture's table is all its own.
 */
export function rowsPerView(scope: Scope, model: VisionLanguageModel): number {
  const pixels = scope.graph.input('pixel_values', 'f32', ['views', ...model.shape.view])
  const tokens = Object.values(model.buildVision(scope, pixels).stages).at(-1)?.dims[1]
  return typeof tokens === 'number' ? tokens : 0
}
