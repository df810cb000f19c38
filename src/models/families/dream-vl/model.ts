/**
 * @file Dream-VL and Dimple: a tower of the Qwen family, two linear layers, and Dream's decoder,
 * which looks both ways.
 * @see specs/diffusion-vlms-2.md §0
 */

import type { Value } from '../../../engine/graph/graph.ts'
import { activate } from '../../../engine/nn/activation.ts'
import type { Scope } from '../../../engine/nn/scope.ts'
import { huggingFaceDecoder } from '../decoders/hugging-face.ts'
import type { DecoderInputs, DecoderOptions, DecoderPieces, VisionPieces } from '../family.ts'
import { qwenTower } from '../qwen-vl/tower.ts'
import type { DreamTowerConfig } from './config.ts'

/**
 * @param projector name of the module of the two linear layers
 * @param pixelValues `[tokens, merge², 3·frames·patch²]`
 * @returns `vision` `[patches, width]`, `merger` `[tokens, merged]`, and `projector`
 *   `[tokens, hidden]`, which are the rows
 */
export function buildDreamVision(
  scope: Scope,
  { tower, text, projectorActivation }: DreamTowerConfig,
  pixelValues: Value<'f32'>,
  projector: string,
): VisionPieces {
  const { vision, projector: merger } = qwenTower(
    scope.under('visual'),
    tower.version,
    tower.shape,
    tower.output,
    pixelValues,
  )
  const inner = scope.linear(merger, `${projector}.linear_1`, tower.output, text.hidden)
  const rows = scope.linear(
    activate(inner, projectorActivation),
    `${projector}.linear_2`,
    text.hidden,
    text.hidden,
  )
  return { stages: { vision, merger, projector: rows }, rows }
}

/** @see specs/diffusion-vlms-2.md §0; DecoderPieces for shapes */
export function buildDreamDecoder(
  scope: Scope,
  config: DreamTowerConfig,
  inputs: DecoderInputs,
  { attention = 'native' }: DecoderOptions = {},
): DecoderPieces {
  const pattern = attention === 'native' ? 'bidirectional' : attention
  return huggingFaceDecoder(scope, config, inputs, { pattern })
}
