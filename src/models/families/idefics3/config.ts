/** @file config.json of Idefics3 and SmolVLM: one layout, two names. */

import { z } from 'zod'
import { parseConfigWith, whole, withDefault } from '../config.ts'
import { type TextShape, textConfigs } from '../decoders/config.ts'
import type { VisionTowerShape } from '../towers/clip-vision.ts'
import { idefics3VisionConfig } from '../towers/config.ts'

export interface Idefics3Config {
  readonly vision: VisionTowerShape
  readonly text: TextShape
  /** Tokens of a square of this side become one. */
  readonly scale: number
  readonly imageTokenId: number
  /** The head is the embedding table itself. */
  readonly tied: boolean
}

const object = z.record(z.string(), z.unknown())

const schema = z.looseObject({
  vision_config: object.nullish(),
  text_config: object.nullish(),
  scale_factor: withDefault(whole, 2),
  image_token_id: withDefault(z.int().min(0), 128_257),
  tie_word_embeddings: withDefault(z.boolean(), false),
})

const textType = z.looseObject({
  model_type: withDefault(z.enum(['llama', 'mistral', 'qwen2']), 'llama'),
  tie_word_embeddings: withDefault(z.boolean(), false),
})

/** Idefics3Config's own decoder where `text_config` is left out. */
const DEFAULT_TEXT = { model_type: 'llama', rms_norm_eps: 1e-5 }

/** Tokens along one side of a view, before they are shuffled. */
export function patchSide({ vision }: Pick<Idefics3Config, 'vision'>): number {
  return Math.floor(vision.image / vision.patch)
}

/** Image tokens of one view. */
export function tokensPerView(config: Pick<Idefics3Config, 'vision' | 'scale'>): number {
  return (patchSide(config) / config.scale) ** 2
}

/** @throws FamilyError `family/config` */
export function parseIdefics3Config(json: unknown): Idefics3Config {
  const config = parseConfigWith(schema, json, 'idefics3 config')
  const vision = parseConfigWith(idefics3VisionConfig, config.vision_config ?? {}, 'idefics3 vision_config')
  const textJson = config.text_config ?? DEFAULT_TEXT
  const { model_type: decoder, tie_word_embeddings: tied } = parseConfigWith(
    textType,
    textJson,
    'idefics3 text_config',
  )
  const text = parseConfigWith(textConfigs[decoder], textJson, 'idefics3 text_config')
  const side = patchSide({ vision })
  const divides = z.object({
    scale_factor: whole.refine((scale) => side % scale === 0, `must divide the ${side} patches of a side`),
  })
  const { scale_factor: scale } = parseConfigWith(
    divides,
    { scale_factor: config.scale_factor },
    'idefics3 config',
  )
  return {
    vision,
    text,
    scale,
    imageTokenId: config.image_token_id,
    tied: config.tie_word_embeddings || tied,
  }
}
