/**
 * @file config.json of SigLIP: `vision_config` and `text_config`; one that is absent is one of
 * defaults.
 */

import { z } from 'zod'
import { parseConfigWith } from '../config.ts'
import type { VisionTowerShape } from '../towers/clip-vision.ts'
import { siglipTextConfig, siglipVisionConfig } from '../towers/config.ts'
import type { TextTowerShape } from '../towers/siglip-text.ts'

export interface SiglipConfig {
  readonly vision: VisionTowerShape
  readonly text: TextTowerShape
}

const schema = z
  .looseObject({
    vision_config: z.preprocess((json) => json ?? {}, siglipVisionConfig),
    text_config: z.preprocess((json) => json ?? {}, siglipTextConfig),
  })
  .refine(({ vision_config, text_config }) => vision_config.hidden === text_config.projection, {
    path: ['text_config', 'projection_size'],
    message: 'must equal the width of the image tower: both give vectors of one space',
  })
  .transform(({ vision_config, text_config }): SiglipConfig => ({ vision: vision_config, text: text_config }))

/** @throws FamilyError `family/config` */
export function parseSiglipConfig(json: unknown): SiglipConfig {
  return parseConfigWith(schema, json, 'siglip config')
}
