/**
 * @file LLaVA-NeXT: LLaVA's tower, projector and decoder, and a newline vector that ends each row
 * of a picture.
 */

import type { Value } from '../../../engine/graph/graph.ts'
import { concat, reshape } from '../../../engine/graph/shaping.ts'
import type { Scope } from '../../../engine/nn/scope.ts'
import type { VisionPieces } from '../family.ts'
import type { LlavaConfig } from '../llava/config.ts'
import { buildLlavaVision } from '../llava/model.ts'

/** @returns stages as LLaVA's; rows: the tokens of all views, then the newline */
export function buildLlavaNextVision(
  scope: Scope,
  config: LlavaConfig,
  pixelValues: Value<'f32'>,
): VisionPieces {
  const { hidden } = config.text
  const { stages, rows } = buildLlavaVision(scope, config, pixelValues)
  return { stages, rows: concat([rows, reshape(scope.weight('image_newline', [hidden]), [1, hidden])], 0) }
}
