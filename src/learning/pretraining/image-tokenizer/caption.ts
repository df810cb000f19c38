/**
 * @file The caption, predicted from an image tokenizer's signs: such codes must tell what is in a
 * picture. The decoder is for the training only.
 * @see Tschannen et al. 2023 (arXiv 2306.07915): captioners as image encoders
 */

import { add } from '../../../engine/graph/elementwise.ts'
import type { Graph, Value } from '../../../engine/graph/graph.ts'
import { concat, reshape, transpose } from '../../../engine/graph/shaping.ts'
import { rootScope } from '../../../engine/nn/scope.ts'
import { i64, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { gatedDecoder, LLAMA_NAMES } from '../../../models/families/decoders/gated.ts'
import { lossFeeds, maskedDiffusionLoss } from '../masked-diffusion.ts'
import { DECODER, HEADS, HIDDEN, TOWER, VOCABULARY } from '../recipe.ts'
import { SPECIAL_IDS } from '../vocabulary.ts'
import { CODES } from './shape.ts'

/** Of the captioner's parameters, which no model folder has. */
export const CAPTIONER = 'captioner'

/** Tokens of a caption with its marks; longer ones are cut. */
const WORDS = TOWER.textLength

const SHAPE = {
  layers: 2,
  hidden: HIDDEN,
  heads: HEADS,
  keyValueHeads: HEADS,
  headDim: HIDDEN / HEADS,
  inner: DECODER.inner,
  activation: 'silu',
  epsilon: DECODER.epsilon,
  ropeTheta: DECODER.ropeTheta,
  maxPositions: DECODER.maxPositions,
  queryKeyValueBias: false,
  outputBias: false,
} as const

/**
 * Feeds: `caption_ids` `[batch, words]`, `caption_mask` `[batch, codes + words]`, and those of
 * `maskedDiffusionLoss` at positions of the latter.
 * @param signs `[batch, bits, rows, columns]`, with the gradient of the latents
 * @returns mean cross-entropy of a token, in nats
 */
export function captionLoss(graph: Graph, signs: Value<'f32'>, bits: number): Value<'f32'> {
  const scope = rootScope(graph, { trainable: () => true }).under(CAPTIONER)
  const ids = graph.input('caption_ids', 'i64', ['batch', WORDS])
  const keep = graph.input('caption_mask', 'i64', ['batch', CODES + WORDS])
  const cells = transpose(reshape(signs, ['batch', bits, CODES]), [0, 2, 1])
  const seen = add(
    scope.linear(cells, 'codes', bits, HIDDEN),
    reshape(scope.weight('places.weight', [CODES, HIDDEN]), [1, CODES, HIDDEN]),
  )
  const words = scope.rows('words.weight', [VOCABULARY, HIDDEN], ids)
  const { normAt } = gatedDecoder(scope.under('decoder'), SHAPE, concat([seen, words], 1), {
    pattern: 'causal',
    keep,
    names: LLAMA_NAMES,
  })
  return maskedDiffusionLoss(graph, {
    normAt,
    head: (hidden) => scope.linear(hidden, 'head', HIDDEN, VOCABULARY, { bias: false }),
  })
}

/** Captions as feeds of `captionLoss`; each token is scored at the position before it. */
export function captionFeeds(captions: readonly (readonly number[])[]): Record<string, Tensor> {
  const rows = captions.map((caption) => [SPECIAL_IDS.bos, ...caption, SPECIAL_IDS.eos].slice(0, WORDS))
  const seq = CODES + WORDS
  const scored = rows.flatMap((row, i) =>
    row.slice(1).map((target, at) => ({ position: i * seq + CODES + at, target })),
  )
  return {
    caption_ids: i64(
      [rows.length, WORDS],
      rows.flatMap((row) => [...row, ...new Array<number>(WORDS - row.length).fill(SPECIAL_IDS.eos)]),
    ),
    caption_mask: i64(
      [rows.length, seq],
      rows.flatMap((row) => Array.from({ length: seq }, (_, i) => (i < CODES + row.length ? 1 : 0))),
    ),
    ...lossFeeds({
      positions: scored.map(({ position }) => position),
      targets: scored.map(({ target }) => target),
      weights: scored.map(() => 1 / scored.length),
    }),
  }
}
