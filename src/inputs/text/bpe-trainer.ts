/**
 * @file Training of byte-level BPE tokenizers (Sennrich et al. 2016; on bytes: Radford et al.
 * 2019). No kept JavaScript library trains.
 */

import {
  BYTE_CHARACTERS,
  byteLevelTokenizer,
  type PatternName,
  specialToken,
  type TokenizerJson,
} from './byte-level.ts'
import { TextError } from './errors.ts'
import { createNormalizer } from './normalizers.ts'
import { createPreTokenizer } from './pre-tokenizers.ts'

export interface BpeTraining {
  /**
   * Number of ids in all: 256 bytes, merges, reserved and special tokens. Fewer come out when the
   * text has no more pairs to merge.
   */
  vocabularySize: number
  /** They take the last ids, in this order. */
  specialTokens?: readonly string[]
  /**
   * Ids kept free between the merges and the special tokens, as tokens `<|reserved_token_0|>`, …;
   * default 0.
   */
  reserved?: number
  /** A pair that is rarer is not merged; default 2. */
  minFrequency?: number
  /** How text is cut before merging; default `qwen2`. */
  pattern?: PatternName
}

/** A distinct piece of text: its tokens so far, and how often it occurs. */
interface Word {
  tokens: number[]
  count: number
}

/** Pairs of token ids as one number that sorts as (left, right) does; ids stay below 2^26. */
const PAIR = 2 ** 26

/**
 * Learns merges from texts with their numbers of occurrences. Deterministic: of equally frequent
 * pairs the one with the lower left id, then the lower right id, is merged first, as Python's
 * `tokenizers` does; the same texts give the same merges there.
 * @throws TextError `text/vocabulary-size` when there is no room for the bytes
 * @example const json = trainBpe([['a cat', 3], ['a cart', 2]], { vocabularySize: 300,
 *   specialTokens: ['<eos>'] })
 */
export function trainBpe(
  texts: Iterable<readonly [text: string, count: number]>,
  training: BpeTraining,
): TokenizerJson {
  const { vocabularySize, specialTokens = [], reserved = 0, minFrequency = 2, pattern = 'qwen2' } = training
  const learnt = vocabularySize - reserved - specialTokens.length
  if (learnt < BYTE_CHARACTERS.length) {
    throw new TextError('vocabulary-size', {
      message: `a vocabulary of ${vocabularySize} ids has ${learnt} left for text; the bytes alone need ${BYTE_CHARACTERS.length}`,
      hint: 'Raise vocabularySize, or reserve fewer ids.',
    })
  }
  const ids = new Map(BYTE_CHARACTERS.map((character, id) => [character, id]))
  const pairs = new PairCounts(countWords(texts, pattern, ids))
  const tokens = [...BYTE_CHARACTERS]
  const merges: [string, string][] = []
  while (tokens.length < learnt) {
    const best = pairs.mostFrequent(minFrequency)
    if (best === undefined) break
    const [left, right] = [Math.floor(best / PAIR), best % PAIR]
    const merged = tokens[left]! + tokens[right]!
    // Two ways can lead to one token (ab+c, a+bc): both merges count, the id is one.
    const id = ids.get(merged) ?? tokens.push(merged) - 1
    ids.set(merged, id)
    merges.push([tokens[left]!, tokens[right]!])
    pairs.merge(left, right, id)
  }
  const kept = Array.from({ length: reserved }, (_, i) => `<|reserved_token_${i}|>`)
  const addedTokens = [...kept, ...specialTokens].map((content, i) =>
    specialToken(tokens.length + i, content),
  )
  return byteLevelTokenizer({ vocabulary: Object.fromEntries(ids), merges, addedTokens, pattern })
}

/** Cuts the training text by the same functions that will cut texts to encode. */
function countWords(
  texts: Iterable<readonly [string, number]>,
  pattern: PatternName,
  ids: ReadonlyMap<string, number>,
): Word[] {
  const vocabulary = Object.fromEntries(ids)
  const parts = byteLevelTokenizer({ vocabulary, merges: [], addedTokens: [], pattern })
  const normalise = createNormalizer(parts.normalizer, 'BPE training')
  const cut = createPreTokenizer(parts.pre_tokenizer, 'BPE training')
  const counts = new Map<string, number>()
  for (const [text, count] of texts) {
    const normal = normalise(text)
    if (normal === '') continue
    for (const { text: piece } of cut([{ text: normal, first: true }]))
      counts.set(piece, (counts.get(piece) ?? 0) + count)
  }
  return [...counts].map(([piece, count]) => ({
    tokens: Array.from(piece, (character) => ids.get(character)!),
    count,
  }))
}

/** How often each pair of neighbours occurs, kept up to date while words are merged. */
class PairCounts {
  private readonly counts = new Map<number, number>()
  private readonly words = new Map<number, Set<Word>>()

  constructor(words: readonly Word[]) {
    for (const word of words) this.count(word, 1)
  }

  /**
   * The most frequent pair, ties to the lowest; undefined when none occurs `minFrequency` times.
   */
  mostFrequent(minFrequency: number): number | undefined {
    let best: number | undefined
    let most = Math.max(minFrequency, 1)
    for (const [pair, count] of this.counts) {
      if (count > most || (count === most && (best === undefined || pair < best))) {
        best = pair
        most = count
      }
    }
    return best
  }

  /** Replaces the pair by `id` in every word that has it. */
  merge(left: number, right: number, id: number): void {
    for (const word of [...(this.words.get(left * PAIR + right) ?? [])]) {
      this.count(word, -1)
      const merged: number[] = []
      for (let i = 0; i < word.tokens.length; i++) {
        const pair = word.tokens[i] === left && word.tokens[i + 1] === right
        merged.push(pair ? id : word.tokens[i]!)
        if (pair) i++
      }
      word.tokens = merged
      this.count(word, 1)
    }
  }

  private count(word: Word, sign: 1 | -1): void {
    for (let i = 0; i + 1 < word.tokens.length; i++) {
      const pair = word.tokens[i]! * PAIR + word.tokens[i + 1]!
      const count = (this.counts.get(pair) ?? 0) + sign * word.count
      if (count > 0) this.counts.set(pair, count)
      else this.counts.delete(pair)
      const words = this.words.get(pair) ?? new Set()
      if (sign > 0) words.add(word)
      else words.delete(word)
      if (words.size > 0) this.words.set(pair, words)
      else this.words.delete(pair)
    }
  }
}
