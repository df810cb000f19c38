/** @file LLaVA-1.5: tower → projector → decoder. */

import { multiplyDims } from '../../../engine/graph/dims.ts'
import type { Value } from '../../../engine/graph/graph.ts'
import { concat, reshape, slice } from '../../../engine/graph/shaping.ts'
import { activate } from '../../../engine/nn/activation.ts'
import type { Scope } from '../../../engine/nn/scope.ts'
import { plainPositions } from '../decoder-inputs.ts'
import { gatedDecoder } from '../decoders/gated.ts'
import type { DecoderInputs, DecoderOptions, DecoderPieces, VisionPieces } from '../family.ts'
import { embedAndSplice } from '../splice.ts'
import { clipVision, patchCount } from '../towers/clip-vision.ts'
import { siglipVision } from '../towers/siglip-vision.ts'
import type { LlavaConfig } from './config.ts'

/** Image tokens of one view. */
export function tokensPerView({ tower, vision, dropFirst }: LlavaConfig): number {
  return patchCount(vision) + (tower === 'clip' ? 1 : 0) - (dropFirst ? 1 : 0)
}

/**
 * @param pixelValues `[views, 3, image, image]`
 * @returns `vision` `[views, tokens, width]`, `projector` `[views, tokens, hidden]`, rows
 *   `[views·tokens, hidden]`
 * @see specs/ar-vlms.md §1.3
 */
export function buildLlavaVision(scope: Scope, config: LlavaConfig, pixelValues: Value<'f32'>): VisionPieces {
  const { tower, vision: shape, text } = config
  const states = (tower === 'clip' ? clipVision : siglipVision)(
    scope.under('vision_tower.vision_model'),
    pixelValues,
    shape,
  )
  const chosen = config.featureLayers.map((index) =>
    config.dropFirst ? slice(states[index]!, 1, 1) : states[index]!,
  )
  const vision = concat(chosen, -1)
  const bias = config.projectorBias
  const inner = scope.linear(
    vision,
    'multi_modal_projector.linear_1',
    shape.hidden * chosen.length,
    text.hidden,
    { bias },
  )
  const activated = activate(inner, config.projectorActivation)
  const projector = scope.linear(activated, 'multi_modal_projector.linear_2', text.hidden, text.hidden, {
    bias,
  })
  const rows = reshape(projector, [multiplyDims(pixelValues.dims[0]!, tokensPerView(config)), text.hidden])
  return { stages: { vision, projector }, rows }
}

/** @see specs/ar-vlms.md §0.5 */
export function buildLlavaDecoder(
  scope: Scope,
  { text, tied }: LlavaConfig,
  given: DecoderInputs,
  { attention = 'native' }: DecoderOptions = {},
): DecoderPieces {
  const { hidden, vocabulary } = text
  const language = scope.under('language_model')
  const inputs = embedAndSplice(language, 'embed_tokens.weight', [vocabulary, hidden], given)
  const pattern = attention === 'native' ? 'causal' : attention
  const decoder = gatedDecoder(language, text, inputs, {
    pattern,
    keep: given.attentionMask,
    positions: plainPositions(given),
  })
  return {
    inputs,
    ...decoder,
    head: (states) => scope.linear(states, headName(tied), hidden, vocabulary, { bias: false }),
  }
}

/** A tied head is the embedding table under its own name, so that training moves both. */
function headName(tied: boolean): string {
  return tied ? 'language_model.embed_tokens' : 'lm_head'
}
