/**
 * @file MMaDA: pictures are ids of the vocabulary, read by LLaDA without a causal mask. The image
 * tokenizer gives codes; the decoder adds them to the id of code 0 and looks both kinds of token up
 * in one table.
 * @see Yang et al. 2025 (arXiv 2505.15809); specs/mmada.md §3, §5
 */

import { add, cast, less, where } from '../../../engine/graph/elementwise.ts'
import type { Value } from '../../../engine/graph/graph.ts'
import { gather } from '../../../engine/graph/indexing.ts'
import { reshape } from '../../../engine/graph/shaping.ts'
import type { Scope } from '../../../engine/nn/scope.ts'
import { plainPositions } from '../decoder-inputs.ts'
import { gatedDecoder } from '../decoders/gated.ts'
import { LLADA_PLACES } from '../decoders/llada.ts'
import type { DecoderInputs, DecoderOptions, DecoderPieces, VisionPieces } from '../family.ts'
import type { MmadaConfig } from './config.ts'
import { codesOf, encodeImage } from './image-tokenizer.ts'
import { IMAGE_TOKENIZER } from './weights.ts'

/**
 * @param pixels `[views, 3, side, side]`
 * @returns stages `vision` `[views, bits, rows, columns]` (latents, before the sign) and `codes`
 *   `[views, tokens]`; rows: the codes, `[rows, 1]`
 */
export function buildVision(
  scope: Scope,
  { encoder }: Pick<MmadaConfig, 'encoder'>,
  pixels: Value<'f32'>,
): VisionPieces {
  const vision = encodeImage(scope.under(IMAGE_TOKENIZER), encoder, pixels)
  const codes = codesOf(vision)
  return { stages: { vision, codes }, rows: reshape(codes, [-1, 1]) }
}

/**
 * Padded keys are hidden and attention stays bidirectional; the reference turns causal when its
 * mask holds a zero (specs/mmada.md §5).
 * @see DecoderPieces for shapes
 */
export function buildDecoder(
  scope: Scope,
  { decoder }: MmadaConfig,
  inputs: DecoderInputs,
  { attention = 'native' }: DecoderOptions = {},
): DecoderPieces {
  const { stack, embeddings, head, names } = LLADA_PLACES
  const embedded = scope.rows(
    `${embeddings}.weight`,
    [decoder.vocabulary, decoder.hidden],
    idsWithCodes(inputs),
  )
  const pattern = attention === 'native' ? 'bidirectional' : attention
  const decoded = gatedDecoder(scope.under(stack), decoder, embedded, {
    pattern,
    keep: inputs.attentionMask,
    positions: plainPositions(inputs),
    names,
  })
  return {
    inputs: embedded,
    ...decoded,
    head: (hidden) => scope.linear(hidden, head, decoder.hidden, decoder.vocabulary, { bias: false }),
  }
}

/**
 * Ids, codes added where a picture stands: `[batch, seq]`. Sums of ids and codes are far below
 * 2^24, so f32 holds them exactly.
 */
export function idsWithCodes({ inputIds, imageRows, imageIndex }: DecoderInputs): Value<'i64'> {
  if (imageRows === undefined || imageIndex === undefined) return inputIds
  // Index −1 reads the last row, which `where` then hides.
  const codes = where(less(imageIndex, 0), 0, reshape(gather(imageRows, imageIndex), imageIndex.dims))
  return add(inputIds, cast(codes, 'i64'))
}
