/**
 * @file config.json of LaViDa on both backbones. Keys of the language model have no defaults here:
 * the published config classes fall back to GPT-2-like values that no checkpoint was trained with.
 * @see specs/lavida.md §1.2–1.4
 */

import { z } from 'zod'
import { schemaProblems } from '../../../foundation/files/schema-problems.ts'
import type { Size } from '../../../inputs/media/image.ts'
import type { PerChannel } from '../../../inputs/media/normalise.ts'
import { layerCount, whole, withDefault } from '../config.ts'
import { headProblems, type LladaShape, lladaKeys, lladaShape } from '../decoders/llada.ts'
import { FamilyError } from '../errors.ts'
import type { VisionTowerShape } from '../towers/clip-vision.ts'
import { siglipVisionConfig } from '../towers/config.ts'

/** The decoder and the tables around it. */
interface LavidaDecoder extends LladaShape {
  /**
   * Dream's embedding of this token gets no gradient (`padding_idx` in the reference), though the
   * head's row of it does.
   */
  readonly paddingId: number | undefined
}

/** The SigLIP tower without its last layer: `layers` is one less than `num_hidden_layers`. */
export interface LavidaVision extends VisionTowerShape {
  readonly mean: PerChannel
  readonly std: PerChannel
}

export interface LavidaConfig {
  /** `llada-v`: LLaDA under Hugging Face's names and keys. */
  readonly backbone: 'llada' | 'dream' | 'llada-v'
  readonly decoder: LavidaDecoder
  readonly vision: LavidaVision
  /**
   * `anyres`: thumbnail and tiles; `pad`: one view, padded to a square; `square`: one view,
   * squashed.
   */
  readonly aspect: 'anyres' | 'pad' | 'square'
  /** Grids of `anyres` in pixels, width and height, in the order of the file. */
  readonly grids: readonly Size[]
  /**
   * `flat`: the views' tokens as they are; `spatial`: tiles joined row by row; `spatial_unpad`:
   * padding removed, a newline after each row.
   */
  readonly merge: 'flat' | 'spatial' | 'spatial_unpad'
  /** Off in the low-resolution variant: every patch becomes a token. */
  readonly pooling: 'bilinear' | 'none'
  /** Positions after splicing that are kept. */
  readonly maxLength: number
  readonly maskId: number
  readonly eosId: number
  /** LLaDA's marker of text to fill in: never masked, never scored. */
  readonly fillId: number | undefined
}

const size = z.tuple([whole, whole])

/** `mm_vision_tower` names the tower; published files carry none of its sizes. */
const SO400M: LavidaVision = {
  hidden: 1152,
  inner: 4304,
  layers: 26,
  heads: 16,
  channels: 3,
  image: 384,
  patch: 14,
  epsilon: 1e-6,
  activation: 'gelu_pytorch_tanh',
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
}

const perChannel = z.tuple([z.number(), z.number(), z.number()])

/** An extension: what `vision_config` says of a tower that isn't SO400M (small models). */
const vision = z.intersection(
  siglipVisionConfig
    .transform((tower) => ({ ...tower, layers: tower.layers - 1 }))
    .refine(({ layers }) => layers > 0, 'needs two layers'),
  z
    .looseObject({
      image_mean: withDefault(perChannel, SO400M.mean),
      image_std: withDefault(perChannel, SO400M.std),
    })
    .transform(({ image_mean: mean, image_std: std }) => ({ mean, std })),
)

/**
 * Keys that LaViDa adds. `mm_spatial_pool_mode: "none"` is bifocal's spelling of pooling off, which
 * the reference can only be told by an environment variable (`NOT_ALWASY_DO_2DPOOL`); it refuses
 * any mode but its own three, so no published file means something else by it.
 */
export const multimodal = z.looseObject({
  mm_vision_tower: z.string(),
  mm_hidden_size: whole.optional(),
  mm_projector_type: z.literal('mlp2x_gelu'),
  mm_resampler_type: z.null().optional(),
  mm_patch_merge_type: z.enum(['flat', 'spatial', 'spatial_unpad']),
  mm_spatial_pool_mode: z.enum(['bilinear', 'none']),
  image_aspect_ratio: z.enum(['anyres', 'pad', 'square']).nullish(),
  image_grid_pinpoints: z.array(size).nullish(),
  tokenizer_model_max_length: whole,
  vision_config: vision.optional(),
})

const llada = lladaKeys.extend({ fim_token_id: whole.default(126085) }).transform((json) => ({
  decoder: { ...lladaShape(json), paddingId: undefined },
  maskId: json.mask_token_id,
  eosId: json.eos_token_id,
  fillId: json.fim_token_id,
}))

const dream = z
  .looseObject({
    hidden_size: whole,
    max_position_embeddings: whole,
    num_hidden_layers: layerCount,
    num_attention_heads: whole,
    num_key_value_heads: whole,
    intermediate_size: whole,
    vocab_size: whole,
    hidden_act: z.literal('silu'),
    rms_norm_eps: z.number().positive(),
    rope_theta: z.number().positive(),
    rope_scaling: z.null().optional(),
    use_sliding_window: z.literal(false).optional(),
    tie_word_embeddings: z.boolean(),
    pad_token_id: z.int().nonnegative().nullish(),
    mask_token_id: whole,
    eos_token_id: whole,
  })
  .transform((json) => ({
    decoder: {
      activation: 'silu' as const,
      hidden: json.hidden_size,
      layers: json.num_hidden_layers,
      heads: json.num_attention_heads,
      keyValueHeads: json.num_key_value_heads,
      headDim: json.hidden_size / json.num_attention_heads,
      inner: json.intermediate_size,
      vocabulary: json.vocab_size,
      epsilon: json.rms_norm_eps,
      ropeTheta: json.rope_theta,
      maxPositions: json.max_position_embeddings,
      queryKeyValueBias: true,
      outputBias: false,
      paddingId: json.pad_token_id ?? undefined,
      tied: json.tie_word_embeddings,
    },
    maskId: json.mask_token_id,
    eosId: json.eos_token_id,
    fillId: undefined,
  }))

const backbones = { llava_llada: 'llada', llava_dream: 'dream' } as const
/** With the values, for `schemaProblems`. */
const TOLD = { reportInput: true } as const
const recognised = z.looseObject({ model_type: z.enum(['llava_llada', 'llava_dream']) })

/**
 * Whether config.json is LaViDa's. LLaDA-V calls itself `llava_llada` too, but its language model
 * has Llama's keys; one that has neither is taken for LaViDa's, so that the error names the key
 * that is missing.
 * @see specs/lavida.md §10.1
 */
export function isLavida(json: unknown): boolean {
  const found = recognised.safeParse(json)
  return (
    found.success &&
    (found.data.model_type === 'llava_dream' || 'd_model' in found.data || !('hidden_size' in found.data))
  )
}

/**
 * @throws FamilyError `family/config` naming the keys that are missing, or has a value that this
 *   family does not compute
 */
export function parseLavidaConfig(json: unknown): LavidaConfig {
  const kind = recognised.safeParse(json, TOLD)
  const backbone = kind.success ? backbones[kind.data.model_type] : 'llada'
  const [language, parts] = [
    (backbone === 'llada' ? llada : dream).safeParse(json, TOLD),
    multimodal.safeParse(json, TOLD),
  ]
  const issues = [kind, language, parts].flatMap(({ error }) => error?.issues ?? [])
  if (!kind.success || !language.success || !parts.success) throw unusable([schemaProblems({ issues })])
  const { decoder, ...ids } = language.data
  const image = parts.data
  const tower = towerOf(image)
  const grids = (image.image_grid_pinpoints ?? []).map(([width, height]) => ({ width, height }))
  const aspect = image.image_aspect_ratio ?? 'square'
  const problems = headProblems(decoder)
  if (tower === undefined)
    problems.push(`vision_config: needed, since ${image.mm_vision_tower} is no tower of known sizes`)
  if (aspect === 'anyres' && grids.length === 0)
    problems.push('image_grid_pinpoints: needed for image_aspect_ratio anyres')
  if (tower !== undefined && image.mm_hidden_size !== undefined && image.mm_hidden_size !== tower.hidden)
    problems.push(`mm_hidden_size ${image.mm_hidden_size} is not the tower's width ${tower.hidden}`)
  if (tower === undefined || problems.length > 0) throw unusable(problems)
  return {
    backbone,
    decoder,
    vision: tower,
    aspect,
    grids,
    merge: image.mm_patch_merge_type,
    pooling: image.mm_spatial_pool_mode,
    maxLength: image.tokenizer_model_max_length,
    ...ids,
  }
}

/** The tower that a config names, or describes; undefined for one of unknown sizes. */
export function towerOf({
  mm_vision_tower: name,
  vision_config: described,
}: Pick<z.infer<typeof multimodal>, 'mm_vision_tower' | 'vision_config'>): LavidaVision | undefined {
  return described ?? (/siglip2?-so400m-patch14-384/.test(name) ? SO400M : undefined)
}

function unusable(problems: readonly string[]): FamilyError {
  return new FamilyError('config', {
    message: `this is no LaViDa model that can be computed: ${problems.join('; ')}`,
    hint: 'Take config.json from the repository of the weights; keys of the language model have no defaults.',
  })
}

/** Patches along a side of a view; a remainder of pixels is dropped. */
export function gridSide({ vision }: LavidaConfig): number {
  return Math.floor(vision.image / vision.patch)
}

/** Tokens along a side of a view. @see specs/lavida.md §4.4 */
export function tokenSide(config: LavidaConfig): number {
  const side = gridSide(config)
  return config.pooling === 'none' ? side : Math.ceil(side / 2)
}

/** Whether the table of image rows ends with the newline vector. */
export function hasNewline({ merge }: LavidaConfig): boolean {
  return merge === 'spatial_unpad'
}
