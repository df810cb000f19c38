/** @file Added tokens: found in a text before anything else happens to it. */

import { z } from 'zod'
import type { Normalizer } from './normalizers.ts'
import { strip } from './normalizers.ts'

/** A token that is matched in the text as it stands. */
export interface AddedToken {
  id: number
  content: string
  /** Matched only where no letter or digit stands beside it. */
  single_word: boolean
  /** Takes the white space before it along. */
  lstrip: boolean
  /** Takes the white space after it along. */
  rstrip: boolean
  /** Looked for in the normalized text, in its own normalized form. */
  normalized: boolean
  /** Left out by `decode` with `skipSpecialTokens`. */
  special: boolean
}

/** A token id, or text between tokens, normalized. */
export type Section = number | { text: string; first: boolean }

/** No published vocabulary has a tenth of it; the engine makes an array up to the highest id. */
export const MOST_IDS = 2 ** 24

/** The flags of a token as files write them. */
export const addedTokenFlags = {
  content: z.string(),
  single_word: z.boolean(),
  lstrip: z.boolean(),
  rstrip: z.boolean(),
  normalized: z.boolean(),
  special: z.boolean(),
}

/** A token id of a file. */
export const tokenId = z
  .int()
  .nonnegative()
  .max(MOST_IDS - 1)
export const addedTokenSchema = z.object({ id: tokenId, ...addedTokenFlags })

/**
 * Cuts texts at added tokens and normalizes what is left: first the tokens that are no normalized
 * ones, in the text itself, then the others in its normalized form. Longer tokens win over shorter
 * ones at the same place.
 */
export function sectionReader(
  tokens: readonly AddedToken[],
  normalizer: Normalizer,
): (text: string) => Iterable<Section> {
  const plain = trieOf(tokens.filter(({ normalized }) => !normalized).map((token) => [token.content, token]))
  const normalized = trieOf(
    tokens.filter(({ normalized }) => normalized).map((token) => [normalizer(token.content), token]),
  )
  return function* (text) {
    for (const section of cutAt(plain, text, true)) {
      if (typeof section === 'number') yield section
      else yield* cutAt(normalized, normalizer(section.text), section.first)
    }
  }
}

interface Node {
  readonly next: Map<number, Node>
  token?: AddedToken
}

function trieOf(tokens: readonly (readonly [content: string, token: AddedToken])[]): Node {
  const root: Node = { next: new Map() }
  for (const [content, token] of tokens) {
    if (content === '') continue
    let node = root
    for (let at = 0; at < content.length; at++) {
      const unit = content.charCodeAt(at)
      let following = node.next.get(unit)
      if (following === undefined) {
        following = { next: new Map() }
        node.next.set(unit, following)
      }
      node = following
    }
    node.token ??= token
  }
  return root
}

/** @param first the text begins the whole text */
function* cutAt(trie: Node, text: string, first: boolean): Generator<Section> {
  let from = 0
  const rest = (end: number): Section => ({ text: text.slice(from, end), first: first && from === 0 })
  for (let at = 0; trie.next.size > 0 && at < text.length; ) {
    const [token, end] = longest(trie, text, at)
    if (token === undefined) {
      at++
      continue
    }
    const start = at
    at = end
    if (token.single_word && (wordBefore(text, start) || wordAfter(text, end))) continue
    const begins = token.lstrip
      ? Math.max(from, strip(text.slice(from, start), false, true).length + from)
      : start
    if (begins > from) yield rest(begins)
    yield token.id
    from = token.rstrip ? text.length - strip(text.slice(end), true, false).length : end
    at = Math.max(at, from)
  }
  if (from < text.length) yield rest(text.length)
}

function longest(trie: Node, text: string, start: number): [AddedToken | undefined, number] {
  let found: AddedToken | undefined
  let end = start
  let node: Node | undefined = trie
  for (let at = start; at < text.length; at++) {
    node = node.next.get(text.charCodeAt(at))
    if (node === undefined) break
    if (node.token === undefined) continue
    found = node.token
    end = at + 1
  }
  return [found, end]
}

const WORD = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]'
const startsWithWord = new RegExp(`^${WORD}`, 'u')
const endsWithWord = new RegExp(`${WORD}$`, 'u')

function wordBefore(text: string, at: number): boolean {
  return endsWithWord.test(text.slice(Math.max(0, at - 2), at))
}

function wordAfter(text: string, at: number): boolean {
  return startsWithWord.test(text.slice(at, at + 2))
}
