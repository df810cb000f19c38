/**
 * @file Tensor names of LaViDa. Canonical are the published ones: OLMo-style on LLaDA, Qwen2-style
 * on Dream. Files that were renamed to Hugging Face style (as LLaDA-V's are) load too. Tensors that
 * no graph asks for (a 27th tower layer, its head, `post_layernorm`) are ignored.
 * @see specs/lavida.md §1.5
 */

import {
  type DecoderPlaces,
  HUGGING_FACE_PLACES,
  huggingFaceSpelling,
  LLADA_PLACES,
} from '../decoders/llada.ts'
import type { LavidaConfig } from './config.ts'

export function decoderPlaces({ backbone }: Pick<LavidaConfig, 'backbone'>): DecoderPlaces {
  return backbone === 'llada' ? LLADA_PLACES : HUGGING_FACE_PLACES
}

/** The tower, and what joins it to the decoder. */
export const VISION_TOWER = 'model.vision_tower.vision_tower.vision_model'
export const PROJECTOR = 'model.mm_projector'
export const NEWLINE = 'model.image_newline'

/** The spellings under which files hold a tensor, the canonical one first. */
export function lavidaSpellings(name: string, config: Pick<LavidaConfig, 'backbone'>): string[] {
  return config.backbone === 'llada' ? [...new Set([name, huggingFaceSpelling(name)])] : [name]
}
