/**
 * @file A tokenizer for tests of what comes after tokenizing: one id a word, in the order of
 * appearance.
 */

import type { Tokenizer } from '../src/inputs/text/tokenizer.ts'

/** @param size ids that words may take */
export function wordTokenizer(size = 1500): Tokenizer {
  const words: string[] = []
  const idOf = (word: string) => {
    const known = words.indexOf(word)
    return known >= 0 ? known : words.push(word) - 1
  }
  return {
    size,
    maxLength: undefined,
    surelyLonger: () => false,
    addedTokens: () => [],
    special: {},
    encode: (text) => (text.match(/\n|[^\s]+/g) ?? []).map((word) => idOf(word) % size),
    decode: (ids) => ids.map((id) => words[id] ?? `#${id}`).join(' '),
    tokenId: (token) => (words.includes(token) ? words.indexOf(token) : undefined),
  }
}
