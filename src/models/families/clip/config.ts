/** @file config.json of CLIP: a config for each tower, and the width of the shared space. */

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

const published = z.looseObject({
  vision_config: clipVisionConfig.optional(),
  vision_config_dict: clipVisionConfig.optional(),
  text_config: clipTextConfig.optional(),
  text_config_dict: clipTextConfig.optional(),
  projection_dim: withDefault(whole, 512),
})

const schema = z
  .preprocess((json) => withoutUnread(withoutUnread(json, 'vision'), 'text'), published)
  .transform(({ projection_dim: dims, ...json }): ClipConfig => {
    const { eosId, ...text } = json.text_config_dict ?? json.text_config ?? clipTextConfig.parse({})
    const vision = json.vision_config_dict ?? json.vision_config ?? clipVisionConfig.parse({})
    return { vision, text, eosId: eosId ?? 49407, dims }
  })

/**
 * Old files have `vision_config_dict` and `text_config_dict`, often as `null`. Where one is there,
 * transformers takes it instead of `…_config`, also for keys that it lacks: those get the class's
 * defaults. A config that is absent altogether is one of defaults.
 * @see transformers 4.57, `CLIPConfig.__init__`
 */
function withoutUnread(json: unknown, tower: 'vision' | 'text'): unknown {
  if (typeof json !== 'object' || json === null) return json
  const {
    [`${tower}_config`]: config,
    [`${tower}_config_dict`]: dict,
    ...rest
  }: Record<string, unknown> = { ...json }
  if (dict !== undefined && dict !== null) return { ...rest, [`${tower}_config_dict`]: dict }
  return config === undefined || config === null ? rest : { ...rest, [`${tower}_config`]: config }
}

/** @throws FamilyError `family/config` */
export function parseClipConfig(json: unknown): ClipConfig {
  return parseConfigWith(schema, json, 'clip config')
}
