/** @file The attention that a contract asks of a decoder. */

import type { DecoderOptions, VisionLanguageShape } from '../families/family.ts'
import type { Contract } from './contract.ts'
import { EmbedderError } from './errors.ts'

/** Kinds of attention that a contract, an option or a flag names. */
export const ATTENTION_KINDS = ['native', 'causal', 'bidirectional', 'block'] as const

/**
 * Attention for `buildDecoder`. `block` takes the contract's block size, else the model's own; a
 * block size alone changes that of a model whose native attention is by blocks.
 * @throws EmbedderError `embedder/block-size` when blocks have no size, or a size has no blocks
 */
export function attentionOf(
  { attention, blockSize }: Pick<Contract, 'attention' | 'blockSize'>,
  { nativeAttention: native }: Pick<VisionLanguageShape, 'nativeAttention'>,
): Exclude<DecoderOptions['attention'], undefined> {
  const own = typeof native === 'object' ? native.block : undefined
  if (attention === 'block') {
    const block = blockSize ?? own
    if (block !== undefined) return { block }
    throw new EmbedderError('block-size', {
      message: 'attention by blocks needs a block size, and the config of this model has none',
      hint: 'Give one: --block-size 8, or blockSize.',
    })
  }
  if (blockSize === undefined) return attention
  if (attention === 'native' && own !== undefined) return { block: blockSize }
  throw new EmbedderError('block-size', {
    message: `a block size of ${blockSize}, but ${attention} attention has no blocks`,
    hint: 'Ask for attention by blocks too (--attention block), or leave the block size out.',
  })
}
