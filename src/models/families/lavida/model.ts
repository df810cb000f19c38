/**
 * @file LaViDa: SigLIP tower, projector, 2×2 bilinear pooling, and a decoder without a causal mask,
 * LLaDA or Dream.
 * @see Li et al. 2025 (arXiv 2505.16839); specs/lavida.md §2–4
 */

import { interpolationMatrix } from '../../../engine/graph/convolution.ts'
import { multiplyDims } from '../../../engine/graph/dims.ts'
import { and, equal, gelu, less, stopGradient, where } from '../../../engine/graph/elementwise.ts'
import type { Graph, Value } from '../../../engine/graph/graph.ts'
import { matMul } from '../../../engine/graph/matmul.ts'
import { concat, reshape } from '../../../engine/graph/shaping.ts'
import type { Scope } from '../../../engine/nn/scope.ts'
import { f32 } from '../../../foundation/numeric/tensor.ts'
import { plainPositions } from '../decoder-inputs.ts'
import { gatedDecoder } from '../decoders/gated.ts'
import type { DecoderInputs, DecoderOptions, DecoderPieces, VisionPieces } from '../family.ts'
import { embedAndSplice } from '../splice.ts'
import { siglipVision } from '../towers/siglip-vision.ts'
import { gridSide, hasNewline, type LavidaConfig, tokenSide } from './config.ts'
import { decoderPlaces, NEWLINE, PROJECTOR, VISION_TOWER } from './weights.ts'

/**
 * @param pixels `[views, 3, side, side]`, of all pictures in order
 * @returns stages `vision` `[views, patches, tower]`, `projector` `[views, patches, hidden]`,
 *   `pooled` `[views, tokens, hidden]`; rows: the tokens of all views, then the newline where the
 *   config has one
 */
export function buildVision(scope: Scope, config: LavidaConfig, pixels: Value<'f32'>): VisionPieces {
  const { vision: tower, decoder } = config
  // The tower's own last layer is dropped and post_layernorm isn't applied (specs/lavida.md §4.1).
  const vision = siglipVision(scope.under(VISION_TOWER), pixels, tower).at(-1)!
  const project = scope.under(PROJECTOR)
  const projector = project.linear(
    gelu(project.linear(vision, '0', tower.hidden, decoder.hidden)),
    '2',
    decoder.hidden,
    decoder.hidden,
  )
  const pooled =
    config.pooling === 'none' ? projector : halved(projector, gridSide(config), tokenSide(config))
  const [views, tokens] = pooled.dims
  const table = reshape(pooled, [multiplyDims(views!, tokens!), decoder.hidden])
  const newline = hasNewline(config)
    ? [reshape(scope.weight(NEWLINE, [decoder.hidden]), [1, decoder.hidden])]
    : []
  return {
    stages: config.pooling === 'none' ? { vision, projector } : { vision, projector, pooled },
    rows: concat([table, ...newline], 0),
  }
}

/**
 * Bilinear resize of each view's square map: rows, then columns.
 * @param x `[views, from·from, hidden]`
 * @returns `[views, to·to, hidden]`
 */
function halved(x: Value<'f32'>, from: number, to: number): Value<'f32'> {
  const [views, , hidden] = x.dims
  const weights = interpolation(x.graph, from, to)
  const rows = matMul(weights, reshape(x, [views!, from, multiplyDims(from, hidden!)]))
  const both = matMul(weights, reshape(rows, [multiplyDims(views!, to), from, hidden!]))
  return reshape(both, [views!, to * to, hidden!])
}

/**
 * The same values; no gradient reaches the table through padding tokens.
 * @param x `[batch, seq, hidden]`
 */
function withoutPaddingGradient(
  x: Value<'f32'>,
  paddingId: number | undefined,
  { inputIds, imageIndex }: Pick<DecoderInputs, 'inputIds' | 'imageIndex'>,
): Value<'f32'> {
  if (paddingId === undefined) return x
  const padding = equal(inputIds, paddingId)
  const stopped = imageIndex === undefined ? padding : and(padding, less(imageIndex, 0))
  return where(reshape(stopped, [...inputIds.dims, 1]), stopGradient(x), x)
}

function interpolation(graph: Graph, from: number, to: number): Value<'f32'> {
  return graph.constant(f32([to, from], interpolationMatrix(from, to)))
}

/**
 * Padded keys are hidden, unlike in the reference, so that a vector doesn't depend on its batch
 * mates (specs/lavida.md §5.4).
 * @see DecoderPieces for shapes
 */
export function buildDecoder(
  scope: Scope,
  config: LavidaConfig,
  inputs: DecoderInputs,
  { attention = 'native' }: DecoderOptions = {},
): DecoderPieces {
  const { decoder } = config
  const { stack, embeddings, head, names } = decoderPlaces(config)
  const embedded = embedAndSplice(scope, `${embeddings}.weight`, [decoder.vocabulary, decoder.hidden], inputs)
  const spliced = withoutPaddingGradient(embedded, decoder.paddingId, inputs)
  const pattern = attention === 'native' ? 'bidirectional' : attention
  const decoded = gatedDecoder(scope.under(stack), decoder, spliced, {
    pattern,
    keep: inputs.attentionMask,
    positions: plainPositions(inputs),
    names,
  })
  return {
    inputs: spliced,
    ...decoded,
    // A tied head is the embedding table under its own name, so that training moves both.
    head: (hidden) =>
      scope.linear(hidden, decoder.tied ? embeddings : head, decoder.hidden, decoder.vocabulary, {
        bias: false,
      }),
  }
}
