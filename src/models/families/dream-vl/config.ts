/**
 * @file config.json of Dream-VL: Dream's decoder with flat keys, Qwen2-VL's tower. A file may leave
 * out what equals the defaults of the published class.
 * @see specs/diffusion-vlms-2.md, Dream-VL
 */

import { z } from 'zod'
import type { ActivationName } from '../../../engine/nn/activation.ts'
import { activation, parseConfigWith, withDefault } from '../config.ts'
import { textConfigs } from '../decoders/config.ts'
import type { HuggingFaceDecoder } from '../decoders/hugging-face.ts'
import { parseQwenTower, type QwenTowerConfig, type QwenVersion, sectionAxes } from '../qwen-vl/config.ts'

/** Dream's decoder behind a tower of the Qwen family, two linear layers between. */
export interface DreamTowerConfig extends HuggingFaceDecoder {
  readonly family: string
  readonly tower: QwenTowerConfig & { readonly version: QwenVersion }
  readonly projectorActivation: ActivationName
  readonly imageTokenId: number
  readonly visionStartId: number
}

const object = z.record(z.string(), z.unknown())
const id = (value: number) => withDefault(z.int().min(0), value)

/** Keys that Dream-VL and Dimple share, beside those of the decoder. */
const dreamKeys = z.looseObject({
  vision_config: withDefault(object, {}),
  mrope_section: withDefault(z.unknown(), [16, 24, 24]),
  image_token_id: id(151_655),
  vision_start_token_id: id(151_652),
  tie_word_embeddings: withDefault(z.boolean(), false),
  /** Neither file stretches the rotation; a stretched one would be laid over the sections. */
  rope_scaling: z.null().optional(),
  rope_parameters: z.null().optional(),
})

/** Reads the parts that Dream-VL and Dimple share. @throws FamilyError `family/config` */
export function parseDreamParts(
  json: unknown,
  family: string,
): Omit<DreamTowerConfig, 'tower' | 'projectorActivation'> & { vision: Record<string, unknown> } {
  const where = `${family} config`
  const config = parseConfigWith(dreamKeys, json, where)
  const text = parseConfigWith(textConfigs.qwen2, json, where)
  return {
    family,
    text,
    tied: config.tie_word_embeddings,
    frequencyAxes: sectionAxes(config.mrope_section, text.headDim, family),
    imageTokenId: config.image_token_id,
    visionStartId: config.vision_start_token_id,
    vision: config.vision_config,
  }
}

/** `null`, the default of the class, builds no model. */
const projector = z.looseObject({ projector_hidden_act: activation })

/** @throws FamilyError `family/config` */
export function parseDreamVlConfig(json: unknown): DreamTowerConfig {
  const { vision, ...parts } = parseDreamParts(json, 'dream-vl')
  const { projector_hidden_act } = parseConfigWith(projector, json, 'dream-vl config')
  return {
    ...parts,
    tower: { ...parseQwenTower(vision, 'qwen2-vl', 'dream-vl'), version: 'qwen2-vl' },
    projectorActivation: projector_hidden_act,
  }
}
