/**
 * @file config.json of Qwen2-VL, Qwen2.5-VL and Qwen3-VL: text settings flat or nested, old and new
 * spellings of the rotation.
 * @see specs/ar-vlms.md §0.2, §3.1, §4.1, §4.5
 */

import { z } from 'zod'
import type { ActivationName } from '../../../engine/nn/activation.ts'
import { activation, layerCount, parseConfigWith, whole, withDefault } from '../config.ts'
import { type TextShape, textConfigs } from '../decoders/config.ts'
import { AXES, blockAxes, interleavedAxes } from './positions.ts'

export type QwenVersion = 'qwen2-vl' | 'qwen2.5-vl' | 'qwen3-vl'

export interface QwenTowerShape {
  readonly hidden: number
  readonly inner: number
  readonly layers: number
  readonly heads: number
  readonly activation: ActivationName
  readonly channels: number
  /** Pixels of a patch's side, frames of a patch, patches of a token's side. */
  readonly patch: number
  readonly frames: number
  readonly merge: number
  /**
   * Attention stays within windows of this many tokens a side, but in the layers named
   * (Qwen2.5-VL).
   */
  readonly window?: { readonly cells: number; readonly fullLayers: readonly number[] }
  /** Side of the square table of learned positions (Qwen3-VL). */
  readonly positionSide?: number
  /**
   * Layers whose states are merged too and added to the first decoder layers, one each (Qwen3-VL).
   */
  readonly deepstack: readonly number[]
  /** Queries, keys and values have a projection each, `attn.q`, `attn.k`, `attn.v` (Omni). */
  readonly apart?: boolean
}

export interface QwenVlConfig {
  readonly version: QwenVersion
  readonly vision: QwenTowerShape
  readonly text: TextShape
  /** Which of a position's three numbers each rotary frequency reads. */
  readonly frequencyAxes: readonly number[]
  readonly imageTokenId: number
  readonly visionStartId: number
  /** The head is the embedding table itself. */
  readonly tied: boolean
  /** Before every name in the files, with a dot: the model is a part of another one. */
  readonly prefix?: string
  /** Fast-dVLM, which was taught to fill blocks of masks, and reads clean text as before. */
  readonly diffusion?: boolean
}

const object = z.record(z.string(), z.unknown())
const id = (value: number) => withDefault(z.int().min(0), value)

const topSchema = z.looseObject({
  text_config: object.nullish(),
  vision_config: withDefault(object, {}),
  image_token_id: id(151_655),
  vision_start_token_id: id(151_652),
  tie_word_embeddings: z.boolean().nullish(),
})

const section = z.array(z.int().min(0)).length(AXES)
/** Files say `mrope` or, rewritten by newer loaders, `default`; both are the plain rotation. */
const kind = z.preprocess((given) => (given === 'mrope' ? 'default' : given), z.string().nullish())
/** Keys that the sections are laid over; the decoders' own schema reads the others. */
const sectioned = z.looseObject({ type: kind, rope_type: kind, mrope_section: section.nullish() }).nullish()
const textSchema = z.looseObject({
  rope_scaling: sectioned,
  rope_parameters: sectioned,
  tie_word_embeddings: z.boolean().nullish(),
})

/** Class defaults of the text part; keys as in the file. */
const textDefaults: Readonly<Record<QwenVersion, Readonly<Record<string, unknown>>>> = (() => {
  const qwen2 = {
    vocab_size: 152_064,
    hidden_size: 8192,
    intermediate_size: 29_568,
    num_hidden_layers: 80,
    num_attention_heads: 64,
    num_key_value_heads: 8,
    max_position_embeddings: 32_768,
    rms_norm_eps: 1e-5,
    rope_theta: 1e6,
  }
  const qwen3 = {
    vocab_size: 151_936,
    intermediate_size: 22_016,
    num_key_value_heads: 32,
    head_dim: 128,
    max_position_embeddings: 128_000,
    rope_theta: 5e6,
  }
  return { 'qwen2-vl': qwen2, 'qwen2.5-vl': qwen2, 'qwen3-vl': qwen3 }
})()
/** Qwen3-VL's default where the file has no sections; the other versions need them. */
const QWEN3_SECTION = [24, 20, 20]

const squares = {
  num_heads: withDefault(whole, 16),
  in_channels: withDefault(z.literal(3), 3),
  spatial_merge_size: withDefault(whole, 2),
  temporal_patch_size: withDefault(whole, 2),
}
type Squares = z.infer<z.ZodObject<typeof squares>>
const squareShape = (json: Squares) => ({
  heads: json.num_heads,
  channels: json.in_channels,
  merge: json.spatial_merge_size,
  frames: json.temporal_patch_size,
})

export interface QwenTowerConfig {
  readonly shape: QwenTowerShape
  /** Width of the tokens that the merger gives. */
  readonly output: number
}

const towerSchemas: Readonly<Record<QwenVersion, z.ZodType<QwenTowerConfig>>> = {
  'qwen2-vl': z
    .looseObject({
      ...squares,
      depth: withDefault(layerCount, 32),
      embed_dim: withDefault(whole, 1280),
      hidden_size: withDefault(whole, 3584),
      hidden_act: withDefault(activation, 'quick_gelu'),
      mlp_ratio: withDefault(z.number().positive(), 4),
      patch_size: withDefault(whole, 14),
    })
    .transform((json) => ({
      shape: {
        ...squareShape(json),
        hidden: json.embed_dim,
        inner: Math.trunc(json.embed_dim * json.mlp_ratio),
        layers: json.depth,
        activation: json.hidden_act,
        patch: json.patch_size,
        deepstack: [],
      },
      output: json.hidden_size,
    })),
  'qwen2.5-vl': z
    .looseObject({
      ...squares,
      depth: withDefault(layerCount, 32),
      hidden_size: withDefault(whole, 3584),
      intermediate_size: withDefault(whole, 3420),
      hidden_act: withDefault(activation, 'silu'),
      patch_size: withDefault(whole, 14),
      window_size: withDefault(whole, 112),
      fullatt_block_indexes: withDefault(z.array(z.int().min(0)), [7, 15, 23, 31]),
      out_hidden_size: withDefault(whole, 3584),
    })
    .refine(
      (json) => json.window_size >= json.spatial_merge_size * json.patch_size,
      'window_size must hold a token',
    )
    .transform((json) => ({
      shape: {
        ...squareShape(json),
        hidden: json.hidden_size,
        inner: json.intermediate_size,
        layers: json.depth,
        activation: json.hidden_act,
        patch: json.patch_size,
        window: {
          cells: Math.floor(Math.floor(json.window_size / json.spatial_merge_size) / json.patch_size),
          fullLayers: json.fullatt_block_indexes,
        },
        deepstack: [],
      },
      output: json.out_hidden_size,
    })),
  'qwen3-vl': z
    .looseObject({
      ...squares,
      depth: withDefault(layerCount, 27),
      hidden_size: withDefault(whole, 1152),
      intermediate_size: withDefault(whole, 4304),
      hidden_act: withDefault(activation, 'gelu_pytorch_tanh'),
      patch_size: withDefault(whole, 16),
      num_position_embeddings: withDefault(whole, 2304),
      deepstack_visual_indexes: withDefault(z.array(z.int().min(0)), [8, 16, 24]),
      out_hidden_size: withDefault(whole, 3584),
    })
    .refine(
      (json) => Number.isInteger(Math.sqrt(json.num_position_embeddings)),
      'num_position_embeddings must be a square',
    )
    .refine(
      (json) => json.deepstack_visual_indexes.every((layer) => layer < json.depth),
      'deepstack_visual_indexes must be below depth',
    )
    .transform((json) => ({
      shape: {
        ...squareShape(json),
        hidden: json.hidden_size,
        inner: json.intermediate_size,
        layers: json.depth,
        activation: json.hidden_act,
        patch: json.patch_size,
        positionSide: Math.sqrt(json.num_position_embeddings),
        deepstack: json.deepstack_visual_indexes,
      },
      output: json.out_hidden_size,
    })),
}

/**
 * `vision_config` of a tower of the Qwen family.
 * @param family its name, for messages
 * @throws FamilyError `family/config`
 */
export function parseQwenTower(
  json: unknown,
  version: QwenVersion,
  family: string = version,
): QwenTowerConfig {
  const where = `${family} vision_config`
  const tower = parseConfigWith(towerSchemas[version], json, where)
  const headDim = z
    .int('the width must be a multiple of num_heads')
    .multipleOf(4, 'a head of the tower must have a multiple of 4')
  parseConfigWith(z.object({ headDim }), { headDim: tower.shape.hidden / tower.shape.heads }, where)
  return tower
}

/**
 * Which axis each rotary frequency reads, from `mrope_section`: frequencies in blocks.
 * @param headDim of the decoder
 * @throws FamilyError `family/config` where the sections do not cover the frequencies
 */
export function sectionAxes(sections: unknown, headDim: number, family: string): number[] {
  return blockAxes(sectionCounts(sections, headDim / 2, family))
}

function sectionCounts(sections: unknown, frequencies: number, family: string): number[] {
  const fitting = section.refine(
    (counts) => counts.reduce((a, b) => a + b, 0) === frequencies,
    `must add up to ${frequencies}`,
  )
  return parseConfigWith(fitting, sections, `${family} mrope_section`)
}

/**
 * @param family its name, for messages
 * @throws FamilyError `family/config`
 */
export function parseQwenVlConfig(
  json: unknown,
  version: QwenVersion,
  family: string = version,
): QwenVlConfig {
  const config = parseConfigWith(topSchema, json, `${family} config`)
  const textJson = config.text_config ?? config
  const where = `${family} text_config`
  const { rope_scaling, rope_parameters, tie_word_embeddings } = parseConfigWith(textSchema, textJson, where)
  const filled = { ...textDefaults[version], ...given(textJson), rope_scaling, rope_parameters }
  const qwen3 = version === 'qwen3-vl'
  const text = {
    ...parseConfigWith(qwen3 ? textConfigs.llama : textConfigs.qwen2, filled, where),
    headNorm: qwen3,
  }
  const sections =
    rope_parameters?.mrope_section ?? rope_scaling?.mrope_section ?? (qwen3 ? QWEN3_SECTION : undefined)
  const frequencies = text.headDim / 2
  const counts = sectionCounts(sections, frequencies, family)
  const { shape: vision, output } = parseQwenTower(config.vision_config, version, family)
  const fits = z.literal(text.hidden, `the tower must give the decoder's hidden_size, ${text.hidden}`)
  parseConfigWith(z.object({ output: fits }), { output }, `${family} vision_config`)
  return {
    version,
    vision,
    text,
    frequencyAxes: qwen3 ? interleavedAxes(counts, frequencies) : blockAxes(counts),
    imageTokenId: config.image_token_id,
    visionStartId: config.vision_start_token_id,
    tied: config.tie_word_embeddings ?? tie_word_embeddings ?? false,
  }
}

/** `null` means the same as absent. */
function given(json: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null && value !== undefined))
}
