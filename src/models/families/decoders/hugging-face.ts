/**
 * @file A gated decoder under Hugging Face's names (`model.embed_tokens`, `model.layers.N`,
 * `model.norm`, `lm_head`), as models that grew out of a language model keep them.
 */

import type { Value } from '../../../engine/graph/graph.ts'
import type { Attention } from '../../../engine/nn/attention.ts'
import { multiAxisRotary } from '../../../engine/nn/rotary.ts'
import type { Scope } from '../../../engine/nn/scope.ts'
import { plainPositions } from '../decoder-inputs.ts'
import type { DecoderInputs, DecoderPieces } from '../family.ts'
import { embedAndSplice } from '../splice.ts'
import type { TextShape } from './config.ts'
import { gatedDecoder, rotaryShape } from './gated.ts'
import { HUGGING_FACE_PLACES } from './llada.ts'

export interface HuggingFaceDecoder {
  readonly text: TextShape
  /** The head is the embedding table itself. */
  readonly tied: boolean
  /** Which of a position's numbers each rotary frequency reads; absent: it has one number. */
  readonly frequencyAxes?: readonly number[]
}

/**
 * @param embedded `[batch, seq, hidden]`; default: embeddings of the ids, image rows spliced in
 * @see DecoderPieces for shapes
 */
export function huggingFaceDecoder(
  scope: Scope,
  { text, tied, frequencyAxes }: HuggingFaceDecoder,
  inputs: DecoderInputs,
  { pattern, embedded }: { pattern: Attention; embedded?: Value<'f32'> },
): DecoderPieces {
  const { hidden, vocabulary } = text
  const { stack, embeddings, head, names } = HUGGING_FACE_PLACES
  const states = embedded ?? embedAndSplice(scope, `${embeddings}.weight`, [vocabulary, hidden], inputs)
  const { positions } = inputs
  const decoded = gatedDecoder(scope.under(stack), text, states, {
    pattern,
    keep: inputs.attentionMask,
    names,
    ...(frequencyAxes === undefined
      ? { positions: plainPositions(inputs) }
      : { rotary: positions && multiAxisRotary(scope.graph, positions, frequencyAxes, rotaryShape(text)) }),
  })
  return {
    inputs: states,
    ...decoded,
    // A tied head is the embedding table under its own name, so that training moves both.
    head: (value) => scope.linear(value, tied ? embeddings : head, hidden, vocabulary, { bias: false }),
  }
}
