/** @file Sizes of Dream-VL and Dimple that others plan with. */

import type { VisionLanguageShape } from '../family.ts'
import { AXES } from '../qwen-vl/positions.ts'
import type { DreamTowerConfig } from './config.ts'

/** Their native attention looks both ways. */
export function dreamShape({ text, tower: { shape } }: DreamTowerConfig): VisionLanguageShape {
  return {
    hidden: text.hidden,
    layers: text.layers,
    heads: text.heads,
    keyValueHeads: text.keyValueHeads,
    vocabulary: text.vocabulary,
    view: [shape.merge ** 2, shape.channels * shape.frames * shape.patch ** 2],
    positionAxes: AXES,
    maxLength: text.maxPositions,
    nativeAttention: 'bidirectional',
  }
}
