/**
 * @file config.json of LLaDA-V: LaViDa's picture keys around LLaDA under Llama's keys. No published
 * file could be compared: what is read here is what its repository's scripts write.
 * @see specs/lavida.md §10.1, §10.3
 */

import { z } from 'zod'
import type { Size } from '../../../inputs/media/image.ts'
import { layerCount, parseConfigWith, whole } from '../config.ts'
import { headProblems } from '../decoders/llada.ts'
import { FamilyError } from '../errors.ts'
import { type LavidaConfig, multimodal, towerOf } from '../lavida/config.ts'

export interface LladaVConfig extends LavidaConfig {
  readonly backbone: 'llada-v'
  /**
   * The tiles of a picture keep at most so many views' tokens, give or take a tenth: larger maps
   * are scaled down.
   */
  readonly maxTiles: number
}

const range = /^\((\d+)x(\d+)\),(?:\.\.\.|…),\((\d+)x(\d+)\)$/
/** Grids listed in pixels, or as a range in views: `(1x1),...,(6x6)`. */
const grids = z.union([
  z.array(z.tuple([whole, whole])),
  z.string().regex(range, 'must be a list of sizes or "(1x1),...,(6x6)"'),
])

/**
 * Keys that differ from LaViDa's. Frames of videos are pooled, pictures are not:
 * `mm_spatial_pool_mode` says nothing about them.
 */
const schema = multimodal.extend({
  model_type: z.literal('llava_llada'),
  mm_patch_merge_type: z.literal('spatial_unpad'),
  mm_spatial_pool_mode: z.string().nullish(),
  image_aspect_ratio: z
    .string()
    .regex(/^(anyres_max_[1-9]\d*|pad|square)$/, 'must be anyres_max_ and a number, pad or square'),
  image_grid_pinpoints: grids.nullish(),
  hidden_size: whole,
  intermediate_size: whole,
  num_hidden_layers: layerCount,
  num_attention_heads: whole,
  num_key_value_heads: whole,
  vocab_size: whole,
  max_position_embeddings: whole,
  rms_norm_eps: z.number().positive(),
  rope_theta: z.number().positive(),
  rope_scaling: z.null().optional(),
  hidden_act: z.literal('silu'),
  attention_bias: z.literal(false),
  tie_word_embeddings: z.literal(false),
  eos_token_id: whole,
  // LLaDA's; the renamed config leaves it out.
  mask_token_id: whole.default(126_336),
})

/**
 * LLaDA-V calls itself `llava_llada` as LaViDa does; the keys of its language model tell them
 * apart.
 */
export function isLladaV(json: Readonly<Record<string, unknown>>): boolean {
  return json.model_type === 'llava_llada' && 'hidden_size' in json && !('d_model' in json)
}

/**
 * @throws FamilyError `family/config` naming the keys that are missing, or has a value that this
 *   family does not compute
 */
export function parseLladaVConfig(json: unknown): LladaVConfig {
  const parsed = parseConfigWith(schema, json, 'llada-v config')
  const vision = towerOf(parsed)
  const decoder = {
    activation: parsed.hidden_act,
    hidden: parsed.hidden_size,
    layers: parsed.num_hidden_layers,
    heads: parsed.num_attention_heads,
    keyValueHeads: parsed.num_key_value_heads,
    headDim: parsed.hidden_size / parsed.num_attention_heads,
    inner: parsed.intermediate_size,
    vocabulary: parsed.vocab_size,
    epsilon: parsed.rms_norm_eps,
    ropeTheta: parsed.rope_theta,
    maxPositions: parsed.max_position_embeddings,
    queryKeyValueBias: false,
    outputBias: false,
    paddingId: undefined,
    tied: false,
  }
  const tiles = /^anyres_max_(\d+)$/.exec(parsed.image_aspect_ratio)?.[1]
  const sizes = vision === undefined ? [] : gridSizes(parsed.image_grid_pinpoints ?? [], vision.image)
  const problems = headProblems(decoder)
  if (vision === undefined)
    problems.push(`vision_config: needed, since ${parsed.mm_vision_tower} is no tower of known sizes`)
  else if (parsed.mm_hidden_size !== undefined && parsed.mm_hidden_size !== vision.hidden)
    problems.push(`mm_hidden_size ${parsed.mm_hidden_size} is not the tower's width ${vision.hidden}`)
  if (vision !== undefined && tiles !== undefined && sizes.length === 0)
    problems.push('image_grid_pinpoints: needed for tiles')
  if (vision === undefined || problems.length > 0) {
    throw new FamilyError('config', {
      message: `this is no LLaDA-V model that can be computed: ${problems.join('; ')}`,
      hint: 'Take config.json from the repository of the weights.',
    })
  }
  return {
    backbone: 'llada-v',
    decoder,
    vision,
    aspect: tiles !== undefined ? 'anyres' : parsed.image_aspect_ratio === 'pad' ? 'pad' : 'square',
    grids: sizes,
    merge: parsed.mm_patch_merge_type,
    pooling: 'none',
    maxTiles: Number(tiles ?? 1),
    maxLength: parsed.tokenizer_model_max_length,
    maskId: parsed.mask_token_id,
    eosId: parsed.eos_token_id,
    fillId: undefined,
  }
}

/** In pixels, width and height; a range runs over widths first, heights within each. */
function gridSizes(given: z.infer<typeof grids>, side: number): Size[] {
  if (typeof given !== 'string') return given.map(([width, height]) => ({ width, height }))
  const [firstColumns = 1, firstRows = 1, columns = 0, rows = 0] = (range.exec(given) ?? [])
    .slice(1)
    .map(Number)
  const from = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, i) => (first + i) * side)
  return from(firstColumns, columns).flatMap((width) =>
    from(firstRows, rows).map((height) => ({ width, height })),
  )
}
