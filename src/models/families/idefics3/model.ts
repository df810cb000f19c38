/**
 * @file Idefics3 and SmolVLM: a SigLIP-like tower, pixel shuffle, one linear layer, a causal
 * decoder.
 * @see Laurençon et al. 2024 (arXiv 2408.12637); specs/ar-vlms.md §5
 */

import { multiplyDims } from '../../../engine/graph/dims.ts'
import type { Value } from '../../../engine/graph/graph.ts'
import { reshape, transpose } from '../../../engine/graph/shaping.ts'
import { layerNorm } from '../../../engine/nn/norm.ts'
import type { Scope } from '../../../engine/nn/scope.ts'
import { plainPositions } from '../decoder-inputs.ts'
import { gatedDecoder } from '../decoders/gated.ts'
import type { DecoderInputs, DecoderOptions, DecoderPieces, VisionPieces } from '../family.ts'
import { embedAndSplice } from '../splice.ts'
import { siglipVision } from '../towers/siglip-vision.ts'
import { type Idefics3Config, patchSide, tokensPerView } from './config.ts'

/**
 * Views are of the tower's own size, so a patch's position is its index: the rule of §5.3 for a
 * full view.
 * @param pixelValues `[views, 3, image, image]`
 * @returns `vision` `[views, patches, width]` after the tower's last norm, `projector`
 *   `[views, tokens, hidden]`, rows `[views·tokens, hidden]`
 */
export function buildIdefics3Vision(
  scope: Scope,
  config: Idefics3Config,
  pixelValues: Value<'f32'>,
): VisionPieces {
  const { vision: shape, text, scale } = config
  const tower = scope.under('model.vision_model')
  const vision = layerNorm(
    tower,
    siglipVision(tower, pixelValues, shape).at(-1)!,
    'post_layernorm',
    shape.hidden,
    shape.epsilon,
  )
  const shuffled = pixelShuffle(vision, patchSide(config), scale)
  const connector = scope.under('model.connector.modality_projection')
  const projector = connector.linear(shuffled, 'proj', shape.hidden * scale * scale, text.hidden, {
    bias: false,
  })
  const rows = reshape(projector, [multiplyDims(pixelValues.dims[0]!, tokensPerView(config)), text.hidden])
  return { stages: { vision, projector }, rows }
}

/**
 * Squares of `scale × scale` tokens become one whose channels are theirs, row by row.
 * @param x `[views, side·side, width]` @returns `[views, (side / scale)², width·scale²]`
 */
export function pixelShuffle(x: Value<'f32'>, side: number, scale: number): Value<'f32'> {
  const [views, , width] = x.dims
  const squares = side / scale
  const blocks = transpose(reshape(x, [views!, squares, scale, squares, scale, width!]), [0, 1, 3, 2, 4, 5])
  return reshape(blocks, [views!, squares * squares, multiplyDims(width!, scale * scale)])
}

/** @see specs/ar-vlms.md §0.5 */
export function buildIdefics3Decoder(
  scope: Scope,
  { text, tied }: Idefics3Config,
  inputs: DecoderInputs,
  { attention = 'native' }: DecoderOptions = {},
): DecoderPieces {
  const { hidden, vocabulary } = text
  const language = scope.under('model.text_model')
  const embedded = embedAndSplice(language, 'embed_tokens.weight', [vocabulary, hidden], inputs)
  const pattern = attention === 'native' ? 'causal' : attention
  const decoder = gatedDecoder(language, text, embedded, {
    pattern,
    keep: inputs.attentionMask,
    positions: plainPositions(inputs),
  })
  // A tied head is the embedding table under its own name, so that training moves both.
  const head = tied ? 'model.text_model.embed_tokens' : 'lm_head'
  return {
    inputs: embedded,
    ...decoder,
    head: (states) => scope.linear(states, head, hidden, vocabulary, { bias: false }),
  }
}
