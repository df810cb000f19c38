/** @file The form of a published embedder's preset, and the pieces that several share. */

import type { Item } from '../../inputs/data/item.ts'
import type { Contract } from './contract.ts'

/** The parts of a contract that a preset decides; the folder keeps the rest. */
type PresetContract = Pick<Contract, 'prompt' | 'image' | 'family' | 'readout' | 'masks'> &
  Partial<Pick<Contract, 'attention'>>

/**
 * Cosines that the authors printed. The picture is not shipped: `assets/example.jpg` of
 * github.com/TIGER-AI-Lab/VLM2Vec.
 */
export interface PublishedCosines {
  readonly query: Pick<Item, 'instruction'>
  readonly candidates: readonly { readonly text: string; readonly cosine: number }[]
  /** They were computed in bfloat16. */
  readonly tolerance: number
  /**
   * The authors' example gave pictures to the processor as they are, whatever their evaluation
   * does.
   */
  readonly plainImages?: true
}

export interface Preset {
  /** Repositories that the preset is for. */
  readonly repositories: readonly string[]
  /** The family of the base model. */
  readonly family: string
  readonly verified: boolean
  readonly contract: PresetContract
  readonly published?: PublishedCosines
}

export const LAST = { layer: 'last', norm: 'after', pool: 'last' } as const
export const MEAN = { layer: 'last', norm: 'after', pool: 'mean' } as const

/**
 * VLM2Vec: no chat template; token, instruction and text with single spaces between. Positions are
 * one-dimensional, as no vision start token stands before a picture.
 */
export const VLM2VEC = '{image} {instruction} {text}'
export const QUESTION = {
  instruction: 'Represent the given image with the following question: What is in the image',
}
export const cosines = (catAndDog: number, catAndTiger: number) => [
  { text: 'A cat and a dog', cosine: catAndDog },
  { text: 'A cat and a tiger', cosine: catAndTiger },
]
