/**
 * @file LLaDA under its own (OLMo's) config keys and tensor names: the decoder of LaViDa and of
 * MMaDA.
 * @see specs/lavida.md §1.2, §1.5; specs/mmada.md §1.2
 */

import { z } from 'zod'
import { layerCount, whole } from '../config.ts'
import { type GatedDecoderNames, type GatedDecoderShape, LLADA_NAMES, LLAMA_NAMES } from './gated.ts'

/**
 * The keys that every LLaDA config has. None has a default: the published class falls back to
 * values that no checkpoint was trained with.
 */
export const lladaKeys = z.looseObject({
  d_model: whole,
  max_sequence_length: whole,
  n_layers: layerCount,
  n_heads: whole,
  n_kv_heads: whole,
  mlp_hidden_size: whole,
  vocab_size: whole,
  embedding_size: whole.nullish(),
  rope: z.literal(true),
  rope_theta: z.number().positive(),
  rms_norm_eps: z.number().positive(),
  layer_norm_type: z.literal('rms'),
  activation_type: z.literal('silu'),
  block_type: z.literal('llama'),
  block_group_size: z.literal(1),
  weight_tying: z.boolean(),
  include_bias: z.literal(false),
  include_qkv_bias: z.literal(false).nullish(),
  attention_layer_norm: z.literal(false),
  input_emb_norm: z.literal(false),
  alibi: z.literal(false),
  scale_logits: z.literal(false),
  mask_token_id: whole,
  eos_token_id: whole,
})

/** A decoder's shape with its vocabulary. */
export interface LladaShape extends GatedDecoderShape {
  /** Rows of the embedding table and of the head. */
  readonly vocabulary: number
  /** The head is the embedding table itself; in no published checkpoint. */
  readonly tied: boolean
}

export function lladaShape(json: z.infer<typeof lladaKeys>): LladaShape {
  return {
    activation: 'silu',
    hidden: json.d_model,
    layers: json.n_layers,
    heads: json.n_heads,
    keyValueHeads: json.n_kv_heads,
    headDim: json.d_model / json.n_heads,
    inner: json.mlp_hidden_size,
    vocabulary: json.embedding_size ?? json.vocab_size,
    epsilon: json.rms_norm_eps,
    ropeTheta: json.rope_theta,
    maxPositions: json.max_sequence_length,
    queryKeyValueBias: false,
    outputBias: false,
    tied: json.weight_tying,
  }
}

/** Problems of a decoder's heads, in words. */
export function headProblems({ heads, keyValueHeads, hidden, headDim }: GatedDecoderShape): string[] {
  const problems: string[] = []
  if (!Number.isInteger(headDim)) problems.push(`${heads} heads do not divide the width ${hidden}`)
  if (heads % keyValueHeads !== 0) problems.push(`${keyValueHeads} key heads do not divide ${heads}`)
  return problems
}

/** Where the parts of a decoder stand, as full module names. */
export interface DecoderPlaces {
  /** Holds the blocks and the final norm. */
  readonly stack: string
  readonly embeddings: string
  readonly head: string
  readonly names: GatedDecoderNames
}

/**
 * `ff_out` names both the blocks' down-projection and the head of the model: always match on the
 * full path.
 */
export const LLADA_PLACES: DecoderPlaces = {
  stack: 'model.transformer',
  embeddings: 'model.transformer.wte',
  head: 'model.transformer.ff_out',
  names: LLADA_NAMES,
}

/** Hugging Face's names: Dream's own, and those that LLaDA is renamed to in LLaDA-V. */
export const HUGGING_FACE_PLACES: DecoderPlaces = {
  stack: 'model',
  embeddings: 'model.embed_tokens',
  head: 'lm_head',
  names: LLAMA_NAMES,
}

const blockModules = [
  'attentionNorm',
  'query',
  'key',
  'value',
  'output',
  'mlpNorm',
  'gate',
  'up',
  'down',
] as const

/** A name of LLaDA's own as Hugging Face spells it; other names stay. */
export function huggingFaceSpelling(name: string): string {
  const [, module = '', kind = ''] = /^(.*)\.(weight|bias)$/.exec(name) ?? []
  const [own, other] = [LLADA_PLACES, HUGGING_FACE_PLACES]
  const outer = [
    [own.embeddings, other.embeddings],
    [own.head, other.head],
    [`${own.stack}.${own.names.norm}`, `${other.stack}.${other.names.norm}`],
  ]
  const renamed = outer.find(([from]) => from === module)?.[1] ?? renamedBlock(module)
  return renamed === undefined ? name : `${renamed}.${kind}`
}

function renamedBlock(module: string): string | undefined {
  const [, index, own] = /^model\.transformer\.blocks\.(\d+)\.(\w+)$/.exec(module) ?? []
  const role = blockModules.find((key) => LLADA_NAMES[key] === own)
  return role === undefined
    ? undefined
    : `${HUGGING_FACE_PLACES.stack}.${LLAMA_NAMES.layer(Number(index))}.${LLAMA_NAMES[role]}`
}
