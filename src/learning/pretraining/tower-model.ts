/** @file The loss of the image tower: pictures against captions, and what every patch shows. */

import { add, cast, div, equal, exp, mul, neg, sub, where } from '../../engine/graph/elementwise.ts'
import type { Graph, Value } from '../../engine/graph/graph.ts'
import { gatherElements } from '../../engine/graph/indexing.ts'
import { matMul } from '../../engine/graph/matmul.ts'
import { crossEntropy, l2Normalize, logSoftmax, reduceMean, reduceSum } from '../../engine/graph/reduction.ts'
import { reshape, transpose } from '../../engine/graph/shaping.ts'
import { layerNorm } from '../../engine/nn/norm.ts'
import { rootScope } from '../../engine/nn/scope.ts'
import type { VisionTowerShape } from '../../models/families/towers/clip-vision.ts'
import { siglipText, type TextTowerShape } from '../../models/families/towers/siglip-text.ts'
import { siglipPooling, siglipVision } from '../../models/families/towers/siglip-vision.ts'
import type { Loss } from '../training/gradient.ts'
import { HEADS, HIDDEN, PATCH_SIZE, PICTURE_SIZE, TOWER, VOCABULARY } from './recipe.ts'

export const VISION_SHAPE: VisionTowerShape = {
  channels: 3,
  image: PICTURE_SIZE,
  patch: PATCH_SIZE,
  hidden: HIDDEN,
  inner: TOWER.inner,
  layers: TOWER.layers,
  heads: HEADS,
  activation: 'gelu_pytorch_tanh',
  epsilon: 1e-6,
}

export const TEXT_SHAPE: TextTowerShape = {
  hidden: HIDDEN,
  inner: TOWER.textInner,
  layers: TOWER.textLayers,
  heads: HEADS,
  activation: 'gelu_pytorch_tanh',
  epsilon: 1e-6,
  vocabulary: VOCABULARY,
  length: TOWER.textLength,
  projection: HIDDEN,
}

/**
 * How much the losses weigh beside the contrastive one: what each patch shows; its tint and the
 * background's colour.
 */
const PATCH_WEIGHT = 1
const COLOUR_WEIGHT = 0.3

/** Classes that patches are told apart by. */
export interface PatchClasses {
  /** Training concepts, and one more for bare background. */
  concepts: number
  colours: number
}

/**
 * Feeds: `pixels` `[batch, 96, 96, 3] u8`, `gain` and `shift` `[batch, 3, 1, 1]` (colour jitter),
 * `text_ids` `[texts, length] i64` (the batch's captions first), `image_group` `[batch] i64` and
 * `text_group` `[texts] i64` (equal for pictures and texts that fit each other), `patch_concept`,
 * `patch_tint` `[batch·patches] i64` and `patch_weight` `[batch·patches]`, `background`
 * `[batch] i64`.
 * @see specs/twins.md §1.4: softmax with a bank of labels as extra negatives
 */
export function towerLoss(graph: Graph, { concepts, colours }: PatchClasses): Loss {
  const scope = rootScope(graph, { trainable: () => true })
  const bytes = graph.input('pixels', 'u8', ['batch', PICTURE_SIZE, PICTURE_SIZE, 3])
  const gain = graph.input('gain', 'f32', ['batch', 3, 1, 1])
  const shift = graph.input('shift', 'f32', ['batch', 3, 1, 1])
  const pixels = add(mul(sub(div(cast(transpose(bytes, [0, 3, 1, 2]), 'f32'), 127.5), 1), gain), shift)
  const vision = scope.under('vision_model')
  const hidden = siglipVision(vision, pixels, VISION_SHAPE).at(-1)!
  const pooled = siglipPooling(
    vision.under('head'),
    layerNorm(vision, hidden, 'post_layernorm', HIDDEN, VISION_SHAPE.epsilon),
    VISION_SHAPE,
  )
  const texts = siglipText(
    scope.under('text_model'),
    graph.input('text_ids', 'i64', ['texts', TOWER.textLength]),
    TEXT_SHAPE,
  ).pooled
  const scale = exp(scope.weight('logit_scale', [1]))
  const cosines = matMul(l2Normalize(pooled), transpose(l2Normalize(texts), [1, 0]))
  const logits = mul(cosines, scale)
  const imageGroup = graph.input('image_group', 'i64', ['batch'])
  const textGroup = graph.input('text_group', 'i64', ['texts'])
  const fits = cast(equal(reshape(imageGroup, ['batch', 1]), reshape(textGroup, [1, 'texts'])), 'f32')
  const contrastive = mul(
    add(multiPositive(logits, fits), multiPositive(transpose(logits, [1, 0]), transpose(fits, [1, 0]))),
    0.5,
  )

  // For the training only: no part of the model.
  const heads = scope.under('auxiliary')
  const patches = reshape(layerNorm(heads, hidden, 'norm', HIDDEN, 1e-6), [-1, HIDDEN])
  const weight = graph.input('patch_weight', 'f32', [patches.dims[0]!])
  const conceptTargets = graph.input('patch_concept', 'i64', [patches.dims[0]!])
  const tintTargets = graph.input('patch_tint', 'i64', [patches.dims[0]!])
  const concept = crossEntropy(heads.linear(patches, 'concept', HIDDEN, concepts + 1), conceptTargets, weight)
  const tint = crossEntropy(heads.linear(patches, 'tint', HIDDEN, colours + 1), tintTargets, weight)
  const background = graph.input('background', 'i64', ['batch'])
  const backgroundLogits = heads.linear(
    reduceMean(layerNorm(heads, hidden, 'norm', HIDDEN, 1e-6), [1]),
    'background',
    HIDDEN,
    colours,
  )
  const ground = reduceMean(
    neg(gatherElements(logSoftmax(backgroundLogits), reshape(background, ['batch', 1]), 1)),
  )
  const loss = add(contrastive, add(mul(concept, PATCH_WEIGHT), mul(add(tint, ground), COLOUR_WEIGHT)))
  return { loss, metrics: { contrastive, concept, tint, background: ground } }
}

/**
 * Cross-entropy of each row against all columns that fit it, averaged over those; rows without one
 * don't count.
 */
function multiPositive(logits: Value<'f32'>, fits: Value<'f32'>): Value<'f32'> {
  const each = reduceSum(mul(logSoftmax(logits), fits), [1])
  const positives = reduceSum(fits, [1])
  const none = equal(positives, 0)
  const share = div(each, where(none, 1, positives))
  return neg(div(reduceSum(share), reduceSum(where(none, 0, 1))))
}
