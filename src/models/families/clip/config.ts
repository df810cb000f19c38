/** @file config.json of CLIP: `vision_config`, `text_config` and the shared space. */

import { z } from 'zod'
import { parseConfigWith, whole, withDefault } from '../config.ts'
import type { VisionTowerShape } from '../towers/clip-vision.ts'
import { clipTextConfig, clipVisionConfig } from '../towers/config.ts'
import type { TextTowerShape } from '../towers/siglip-text.ts'

export interface ClipConfig {
  readonly vision: VisionTowerShape
  readonly text: TextTowerShape
  /** The text vector is read at the first token of this id; 2 means the largest id (old files). */
  readonly eosId: number
  /** Width of the shared space. */
  readonly dims: number
}

const schema = z
  .looseObject({
    vision_config: clipVisionConfig,
    text_config: clipTextConfig,
    projection_dim: withDefault(whole, 512),
  })
  .transform(
    ({ vision_config: vision, text_config: text, projection_dim: dims }): ClipConfig => ({
      vision,
      text,
      eosId: text.eosId ?? 49407,
      dims,
    }),
  )

/** @throws FamilyError `family/config` */
export function parseClipConfig(json: unknown): ClipConfig {
  return parseConfigWith(schema, json, 'clip config')
}
