/**
 * @file SentencePiece's precompiled map of characters: a trie over UTF-8 bytes, and what its words
 * become.
 * @see Kudo & Richardson 2018; the crate `spm_precompiled`, which Python's `tokenizers` uses
 */

import { TextError } from './errors.ts'
import type { Normalizer } from './normalizers.ts'

/** Longer graphemes are looked up character by character. */
const LONGEST_GRAPHEME = 6

/**
 * @param base64 `precompiled_charsmap` of a tokenizer.json
 * @param where  for messages: the file
 * @throws TextError `text/tokenizer` when the map is cut short
 */
export function precompiledNormalizer(base64: string, where: string): Normalizer {
  const map = readMap(Buffer.from(base64, 'base64'), where)
  const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })
  const encoder = new TextEncoder()
  const replaced = (part: string): string | undefined => map(encoder.encode(part))
  return (text) => {
    let out = ''
    for (const { segment } of segmenter.segment(text)) {
      const whole = Buffer.byteLength(segment) < LONGEST_GRAPHEME ? replaced(segment) : undefined
      if (whole !== undefined) out += whole
      else for (const char of segment) out += replaced(char) ?? char
    }
    return out
  }
}

/** Finds the shortest word of the map that `bytes` begin with, and gives what it becomes. */
function readMap(bytes: Buffer, where: string): (bytes: Uint8Array) => string | undefined {
  const trieBytes = bytes.length < 4 ? -1 : bytes.readUInt32LE(0)
  if (trieBytes < 4 || trieBytes % 4 !== 0 || 4 + trieBytes > bytes.length) {
    throw new TextError('tokenizer', {
      message: `${where}: normalizer.precompiled_charsmap is cut short`,
      hint: 'Fetch tokenizer.json again.',
    })
  }
  const trie = Uint32Array.from({ length: trieBytes / 4 }, (_, at) => bytes.readUInt32LE(4 + at * 4))
  const words = bytes.subarray(4 + trieBytes)
  return (key) => {
    const at = firstMatch(trie, key)
    if (at === undefined || at >= words.length) return undefined
    const end = words.indexOf(0, at)
    return words.toString('utf8', at, end < 0 ? words.length : end)
  }
}

/** The value of the first word met on the way: a double-array trie as `darts-clone` writes it. */
function firstMatch(trie: Uint32Array, key: Uint8Array): number | undefined {
  const offset = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6)
  let unit = trie[0]!
  let node = offset(unit)
  for (const byte of key) {
    if (byte === 0) return undefined
    node ^= byte
    if (node >= trie.length) return undefined
    unit = trie[node]!
    if ((unit & 0x800000ff) >>> 0 !== byte) return undefined
    node ^= offset(unit)
    if (node >= trie.length) return undefined
    if (((unit >>> 8) & 1) === 1) return trie[node]! & 0x7fffffff
  }
  return undefined
}
