/**
 * @file Tensor names of LaViDa. Canonical are the published ones: OLMo-style on LLaDA, Qwen2-style on Dream. Files that were renamed to
 * Hugging Face style (as LLaDA-V's are) load too. Tensors that no graph asks for (a 27th tower layer, its head, `post_layernorm`) are ignored.
 * @see specs/lavida.md §1.5
 */

import type { LavidaConfig } from './config.ts'

/** Names of the modules of a gated decoder block and around it. */
export interface DecoderNames {
  readonly embeddings: string
  readonly layer: (index: number) => string
  readonly attentionNorm: string
  readonly query: string
  readonly key: string
  readonly value: string
  readonly output: string
  readonly mlpNorm: string
  readonly gate: string
  readonly up: string
  readonly down: string
  readonly norm: string
  readonly head: string
}

/** `ff_out` names both the blocks' down-projection and the head of the model: always match on the full path. */
export const lladaNames: DecoderNames = {
  embeddings: 'model.transformer.wte',
  layer: (index) => `model.transformer.blocks.${index}`,
  attentionNorm: 'attn_norm',
  query: 'q_proj',
  key: 'k_proj',
  value: 'v_proj',
  output: 'attn_out',
  mlpNorm: 'ff_norm',
  gate: 'ff_proj',
  up: 'up_proj',
  down: 'ff_out',
  norm: 'model.transformer.ln_f',
  head: 'model.transformer.ff_out',
}

export const dreamNames: DecoderNames = {
  embeddings: 'model.embed_tokens',
  layer: (index) => `model.layers.${index}`,
  attentionNorm: 'input_layernorm',
  query: 'self_attn.q_proj',
  key: 'self_attn.k_proj',
  value: 'self_attn.v_proj',
  output: 'self_attn.o_proj',
  mlpNorm: 'post_attention_layernorm',
  gate: 'mlp.gate_proj',
  up: 'mlp.up_proj',
  down: 'mlp.down_proj',
  norm: 'model.norm',
  head: 'lm_head',
}

/** Module paths of the tower and of what joins it to the decoder. */
export const VISION_TOWER = 'model.vision_tower.vision_tower.vision_model'
export const PROJECTOR = 'model.mm_projector'
export const NEWLINE = 'model.image_newline'

export function decoderNames({ backbone }: Pick<LavidaConfig, 'backbone'>): DecoderNames {
  return backbone === 'llada' ? lladaNames : dreamNames
}

/** The spellings under which files hold a tensor, the canonical one first. */
export function lavidaSpellings(name: string, config: Pick<LavidaConfig, 'backbone'>): string[] {
  return config.backbone === 'llada' ? [...new Set([name, huggingFaceSpelling(name)])] : [name]
}

function huggingFaceSpelling(name: string): string {
  const block = /^model\.transformer\.blocks\.(\d+)\.(\w+)\.(weight|bias)$/.exec(name)
  if (block !== null) {
    const [, index, module, kind] = block
    return `${dreamNames.layer(Number(index))}.${renamed(module!, blockModules)}.${kind}`
  }
  const outer = /^(model\.transformer\.\w+)\.weight$/.exec(name)
  return outer === null ? name : `${renamed(outer[1]!, ['embeddings', 'norm', 'head'])}.weight`
}

const blockModules = ['attentionNorm', 'query', 'key', 'value', 'output', 'mlpNorm', 'gate', 'up', 'down'] as const

/** The module that Dream's naming has in the place of one of LLaDA's. */
function renamed(module: string, roles: readonly Exclude<keyof DecoderNames, 'layer'>[]): string {
  const role = roles.find((key) => lladaNames[key] === module)
  return role === undefined ? module : dreamNames[role]
}
