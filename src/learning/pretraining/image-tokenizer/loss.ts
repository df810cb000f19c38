/**
 * @file The loss of an image tokenizer with lookup-free codes: reconstruction, commitment, entropy.
 * @see Yu et al. 2024 (MAGVIT-v2), §3.1; specs/mmada.md §6.5
 */

import {
  add,
  less,
  log,
  mul,
  neg,
  sigmoid,
  stopGradient,
  sub,
  where,
} from '../../../engine/graph/elementwise.ts'
import type { Graph, Value } from '../../../engine/graph/graph.ts'
import { reduceMean } from '../../../engine/graph/reduction.ts'
import { rootScope } from '../../../engine/nn/scope.ts'
import type { ConvolutionStack } from '../../../models/families/mmada/config.ts'
import { decodeImage, encodeImage } from '../../../models/families/mmada/image-tokenizer.ts'
import type { Loss } from '../../training/gradient.ts'
import { captionLoss } from './caption.ts'
import { CODE_PICTURE } from './shape.ts'

const COMMIT = 0.1
const ENTROPY = 0.1
/** In nats a token, beside a squared error that ends near .03: enough that words shape the bits. */
const CAPTION = 0.05
/** Slope of a sign's probability: a two-way softmax over −(z ∓ 1)². */
const SLOPE = 4
/** Keeps logarithms finite where a bit is certain. */
const LEAST = 1e-6

/**
 * Feeds: `pixels` `[batch, 3, side, side]` from −1 to 1; `signs` `[]`: 1 passes the signs of the
 * latents on, with the gradient of the latents; 0 the latents themselves.
 */
export function codeLoss(graph: Graph, stack: ConvolutionStack): Loss {
  return lossOf(graph, stack).loss
}

/**
 * The same, and the caption predicted from the signs. Feeds besides: those of `captionLoss`.
 */
export function alignedCodeLoss(graph: Graph, stack: ConvolutionStack): Loss {
  const { loss, passed } = lossOf(graph, stack)
  const caption = captionLoss(graph, passed, stack.bits)
  return {
    loss: add(loss.loss, mul(caption, CAPTION)),
    metrics: { ...loss.metrics, caption },
  }
}

function lossOf(graph: Graph, stack: ConvolutionStack): { loss: Loss; passed: Value<'f32'> } {
  const scope = rootScope(graph, { trainable: () => true })
  const pixels = graph.input('pixels', 'f32', ['batch', 3, CODE_PICTURE, CODE_PICTURE])
  const latents = encodeImage(scope, stack, pixels)
  const signs = where(less(graph.scalar(0), latents), 1, -1)
  const step = stopGradient(sub(signs, latents))
  const passed = add(latents, mul(step, graph.input('signs', 'f32', [])))
  const rebuilt = decodeImage(scope, stack, passed)
  const reconstruction = meanSquare(sub(rebuilt, pixels))
  // The straight-through half of the published term pulls the other way: 1 − .25 of it is left.
  const commitment = meanSquare(sub(signs, latents))
  const certain = sigmoid(mul(latents, SLOPE))
  const each = reduceMean(binaryEntropy(certain))
  const together = reduceMean(binaryEntropy(reduceMean(certain, [0, 2, 3])))
  const loss = add(reconstruction, add(mul(commitment, COMMIT * 0.75), mul(sub(each, together), ENTROPY)))
  const metrics = { reconstruction, commitment, bit_entropy: each, mean_bit_entropy: together }
  return { loss: { loss, metrics }, passed }
}

const meanSquare = (x: Value<'f32'>): Value<'f32'> => reduceMean(mul(x, x))

/** In nats. */
function binaryEntropy(p: Value<'f32'>): Value<'f32'> {
  const term = (share: Value<'f32'>) => mul(share, log(add(share, LEAST)))
  return neg(add(term(p), term(sub(p.graph.scalar(1), p))))
}
