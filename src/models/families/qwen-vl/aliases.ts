/**
 * @file Checkpoints that are Qwen2.5-VL under another name: Fast-dVLM, and the part of Qwen2.5-Omni
 * that reads text and pictures.
 */

import { z } from 'zod'
import { parseConfigWith } from '../config.ts'
import { parseQwenVlConfig, type QwenVlConfig } from './config.ts'

type Json = Readonly<Record<string, unknown>>

const FAST_DVLM = 'Fast_dLLM_Qwen2_5_VLForConditionalGeneration'
const OMNI = 'qwen2_5_omni'
/** Qwen2.5-Omni saved without its voice. */
const THINKER = 'qwen2_5_omni_thinker'

function isFastDvlm({ architectures }: Json): boolean {
  return Array.isArray(architectures) && architectures.includes(FAST_DVLM)
}

/** Whether a config.json is Qwen2.5-VL's, or of a model that is one under another name. */
export function isQwen25Vl(json: Json): boolean {
  const known: readonly unknown[] = ['qwen2_5_vl', OMNI, THINKER]
  return known.includes(json.model_type) || isFastDvlm(json)
}

const object = z.looseObject({})
const omni = z.looseObject({ thinker_config: object })
/** Older files say `…_index`. */
const thinker = z.looseObject({ image_token_id: z.int().nullish(), image_token_index: z.int().nullish() })

/** @throws FamilyError `family/config` */
export function parseQwen25VlConfig(json: Json): QwenVlConfig {
  const whole = json.model_type === OMNI
  if (!whole && json.model_type !== THINKER)
    return { ...parseQwenVlConfig(json, 'qwen2.5-vl'), diffusion: isFastDvlm(json) }
  const own = whole ? parseConfigWith(omni, json, 'qwen2.5-omni config').thinker_config : json
  const { image_token_id: id, image_token_index: index } = parseConfigWith(
    thinker,
    own,
    'qwen2.5-omni thinker_config',
  )
  const config = parseQwenVlConfig({ ...own, image_token_id: id ?? index }, 'qwen2.5-vl', 'qwen2.5-omni')
  return { ...config, vision: { ...config.vision, apart: true }, prefix: whole ? 'thinker' : undefined }
}
