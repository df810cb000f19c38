/**
 * @file The decoder in a training graph: groups of sequences of similar length, each to the vectors
 * of all readouts that are trained.
 */

import type { Value } from '../../engine/graph/graph.ts'
import type { Scope } from '../../engine/nn/scope.ts'
import type { Readout } from '../../models/embedder/readout.ts'
import { readVectors } from '../../models/embedder/vision-language.ts'
import { decoderInputs } from '../../models/families/decoder-inputs.ts'
import type { DecoderOptions } from '../../models/families/family.ts'
import type { VisionLanguageModel } from '../../models/families/model.ts'

/**
 * Declares the inputs of group `index`: those of `decoderInputs`, and `pool_weights`
 * `[poolings, batch, seq]`, with the index behind each name. Runs the decoder on them. All groups
 * share `image_rows`.
 * @returns for each readout `[batch, dims]` unit vectors
 */
export function groupVectors(
  scope: Scope,
  model: VisionLanguageModel,
  { attention, readouts }: Pick<DecoderOptions, 'attention'> & { readouts: readonly Readout[] },
  index: number,
): Value<'f32'>[] {
  const suffix = String(index)
  const inputs = decoderInputs(scope.graph, model.shape, suffix)
  return readVectors(model.buildDecoder(scope, inputs, { attention }), readouts, scope.graph, suffix)
}
