/**
 * @file Tensor names of LaViDa. Canonical are the published ones: OLMo-style on LLaDA, Qwen2-style on Dream. Files that were renamed to
 * Hugging Face style (as LLaDA-V's are) load too. Tensors that no graph asks for (a 27th tower layer, its head, `post_layernorm`) are ignored.
 * @see specs/lavida.md §1.5
 */

import { type GatedDecoderNames, LLADA_NAMES, LLAMA_NAMES } from '../decoders/gated.ts'
import type { LavidaConfig } from './config.ts'

/** Where the parts of a decoder stand, as full module names. */
export interface DecoderPlaces {
  /** Holds the blocks and the final norm. */
  readonly stack: string
  readonly embeddings: string
  readonly head: string
  readonly names: GatedDecoderNames
}

/** `ff_out` names both the blocks' down-projection and the head of the model: always match on the full path. */
const llada: DecoderPlaces = {
  stack: 'model.transformer',
  embeddings: 'model.transformer.wte',
  head: 'model.transformer.ff_out',
  names: LLADA_NAMES,
}
const dream: DecoderPlaces = { stack: 'model', embeddings: 'model.embed_tokens', head: 'lm_head', names: LLAMA_NAMES }

export function decoderPlaces({ backbone }: Pick<LavidaConfig, 'backbone'>): DecoderPlaces {
  return backbone === 'llada' ? llada : dream
}

/** The tower, and what joins it to the decoder. */
export const VISION_TOWER = 'model.vision_tower.vision_tower.vision_model'
export const PROJECTOR = 'model.mm_projector'
export const NEWLINE = 'model.image_newline'

/** The spellings under which files hold a tensor, the canonical one first. */
export function lavidaSpellings(name: string, config: Pick<LavidaConfig, 'backbone'>): string[] {
  return config.backbone === 'llada' ? [...new Set([name, huggingFaceSpelling(name)])] : [name]
}

const blockModules = ['attentionNorm', 'query', 'key', 'value', 'output', 'mlpNorm', 'gate', 'up', 'down'] as const

function huggingFaceSpelling(name: string): string {
  const [, module = '', kind = ''] = /^(.*)\.(weight|bias)$/.exec(name) ?? []
  const outer = [
    [llada.embeddings, dream.embeddings],
    [llada.head, dream.head],
    [`${llada.stack}.${LLADA_NAMES.norm}`, `${dream.stack}.${LLAMA_NAMES.norm}`],
  ]
  const renamed = outer.find(([own]) => own === module)?.[1] ?? renamedBlock(module)
  return renamed === undefined ? name : `${renamed}.${kind}`
}

function renamedBlock(module: string): string | undefined {
  const [, index, own] = /^model\.transformer\.blocks\.(\d+)\.(\w+)$/.exec(module) ?? []
  const role = blockModules.find((key) => LLADA_NAMES[key] === own)
  return role === undefined ? undefined : `${dream.stack}.${LLAMA_NAMES.layer(Number(index))}.${LLAMA_NAMES[role]}`
}
