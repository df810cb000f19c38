/**
 * @file Writes the tokenizer.json of a byte-level BPE tokenizer in Qwen2's form. The files
 * `vocab.json` and `merges.txt` mean such a tokenizer, and training makes one.
 */

import type { AddedToken } from './added-tokens.ts'

/** How text is cut before merging: each pattern keeps what it matches as one piece. */
const PATTERNS = {
  /** specs/lavida.md §5.2: digits one by one, line breaks apart from words. */
  qwen2:
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  /** Radford et al. 2019 (GPT-2). */
  gpt2: "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
} as const

export type PatternName = keyof typeof PATTERNS

/**
 * The 256 characters that stand for bytes, by code point, which is also the order of their ids in
 * GPT-2's and Qwen2's vocabularies ("\n" = 198).
 */
export const BYTE_CHARACTERS: readonly string[] = [
  ...range(0x21, 0x7e),
  ...range(0xa1, 0xac),
  ...range(0xae, 0xff),
  ...range(0x100, 0x143),
].map((code) => String.fromCharCode(code))

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

export interface ByteLevelParts {
  /** token → id */
  vocabulary: Readonly<Record<string, number>>
  /** Pairs of tokens, the earliest learnt first. */
  merges: readonly (readonly [string, string])[]
  addedTokens: readonly AddedToken[]
  pattern: PatternName
}

/** A tokenizer.json that both @huggingface/tokenizers and Python's `tokenizers` load. */
export interface TokenizerJson {
  version: string
  truncation: null
  padding: null
  added_tokens: readonly AddedToken[]
  normalizer: { type: 'NFC' }
  pre_tokenizer: object
  post_processor: null
  decoder: object
  model: {
    type: 'BPE'
    dropout: null
    unk_token: null
    continuing_subword_prefix: null
    end_of_word_suffix: null
    fuse_unk: boolean
    byte_fallback: boolean
    ignore_merges: boolean
    vocab: Readonly<Record<string, number>>
    merges: readonly (readonly [string, string])[]
  }
}

/** NFC, then pieces by the pattern, then bytes, then merges; nothing is added at either end. */
export function byteLevelTokenizer({
  vocabulary,
  merges,
  addedTokens,
  pattern,
}: ByteLevelParts): TokenizerJson {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false }
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens,
    normalizer: { type: 'NFC' },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: PATTERNS[pattern] }, behavior: 'Isolated', invert: false },
        byteLevel,
      ],
    },
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: vocabulary,
      merges,
    },
  }
}

/** A special token as published checkpoints list it. */
export function specialToken(id: number, content: string): AddedToken {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
}
