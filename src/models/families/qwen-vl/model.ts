/** @file Qwen-VL: tower and merger, then a decoder whose positions have three numbers. */

import { add, less, where } from '../../../engine/graph/elementwise.ts'
import type { Value } from '../../../engine/graph/graph.ts'
import { gather } from '../../../engine/graph/indexing.ts'
import { concat, reshape, slice } from '../../../engine/graph/shaping.ts'
import { multiAxisRotary } from '../../../engine/nn/rotary.ts'
import type { Scope } from '../../../engine/nn/scope.ts'
import { gatedDecoder, rotaryShape } from '../decoders/gated.ts'
import type { DecoderInputs, DecoderOptions, DecoderPieces, VisionPieces } from '../family.ts'
import { embedAndSplice } from '../splice.ts'
import type { QwenVlConfig } from './config.ts'
import { qwenTower } from './tower.ts'

/**
 * Features that lie side by side in a row of the image table: a token's own, then those for the
 * first decoder layers.
 */
export function rowParts({ vision }: QwenVlConfig): number {
  return 1 + vision.deepstack.length
}

/**
 * @param pixelValues `[tokens, merge², 3·frames·patch²]`
 * @returns `vision` `[patches, width]`, `projector` and `deepstack.NN` `[tokens, hidden]`; rows
 *   hold the last two side by side
 */
export function buildQwenVision(
  scope: Scope,
  { version, vision: shape, text }: QwenVlConfig,
  pixelValues: Value<'f32'>,
): VisionPieces {
  const { vision, projector, deepstack } = qwenTower(
    scope.under('visual'),
    version,
    shape,
    text.hidden,
    pixelValues,
  )
  const named = deepstack.map((features, k): [string, Value<'f32'>] => [
    `deepstack.${String(k).padStart(2, '0')}`,
    features,
  ])
  return {
    stages: { vision, projector, ...Object.fromEntries(named) },
    rows: concat([projector, ...deepstack], -1),
  }
}

/** @see specs/ar-vlms.md §0.5, §3.5, §4.5 */
export function buildQwenDecoder(
  scope: Scope,
  config: QwenVlConfig,
  { inputIds, attentionMask, imageRows, imageIndex, positions }: DecoderInputs,
  { attention = 'native' }: DecoderOptions = {},
): DecoderPieces {
  const { text, tied, frequencyAxes } = config
  const { hidden, vocabulary } = text
  const part = (k: number) => imageRows && slice(imageRows, 1, k * hidden, (k + 1) * hidden)
  const language = scope.under('language_model')
  const inputs = embedAndSplice(language, 'embed_tokens.weight', [vocabulary, hidden], {
    inputIds,
    imageIndex,
    imageRows: part(0),
  })
  const between = (layer: number, stream: Value<'f32'>) => {
    const features = layer + 1 < rowParts(config) ? part(layer + 1) : undefined
    if (features === undefined || imageIndex === undefined) return stream
    const isText = less(reshape(imageIndex, [...imageIndex.dims, 1]), 0)
    return where(isText, stream, add(stream, gather(features, imageIndex)))
  }
  const decoder = gatedDecoder(language, text, inputs, {
    pattern: attention === 'native' ? 'causal' : attention,
    keep: attentionMask,
    rotary: positions && multiAxisRotary(scope.graph, positions, frequencyAxes, rotaryShape(text)),
    between,
  })
  // A tied head is the embedding table under its own name, so that training moves both.
  const head = tied ? 'language_model.embed_tokens' : 'lm_head'
  return {
    inputs,
    ...decoder,
    head: (states) => scope.linear(states, head, hidden, vocabulary, { bias: false }),
  }
}
