/** @file Whether a text is too long, without tokenizing the whole of it. */

import { z } from 'zod'
import type { Section } from './added-tokens.ts'
import type { PieceModel } from './model.ts'
import { isLinear } from './patterns.ts'
import type { PreTokenizer } from './pre-tokenizers.ts'

interface Parts {
  /** Cuts a text at added tokens and normalizes the rest. */
  sections: (text: string) => Iterable<Section>
  pieces: PreTokenizer
  model: PieceModel
  /** Whether a later part of a text changes only the end of the tokens before it. */
  isLocal: boolean
  /** Characters of the longest added token. */
  margin: number
}

/** A text of fewer characters for each token of the limit is not looked at. */
const CHARACTERS_A_TOKEN = 16
/** Pieces of more characters are not tokenized where a lower bound of their tokens will do. */
const LONG_PIECE = 4096
/**
 * Tokens that the cut end of a part may have too many, beside those of an added token cut in two.
 */
const END_MARGIN = 64
const GROWTH = 8

/**
 * Makes the function that says whether a text surely has more than `limit` tokens. It looks at
 * larger and larger parts from the start of the text, and at last at all of it.
 */
export function lengthCheck({ sections, pieces, model, isLocal, margin }: Parts) {
  function* units(text: string): Generator<number | string> {
    for (const section of sections(text)) {
      if (typeof section === 'number') yield section
      else for (const { text: piece } of pieces([section])) yield piece
    }
  }
  /** @param isPart of the last piece only the start may be there: a bound must do for it */
  const exceeds = (text: string, limit: number, isPart: boolean): boolean => {
    let [count, last] = [0, '']
    for (const unit of units(text)) {
      if (last !== '') count += last.length > LONG_PIECE ? model.fewest(last) : model.ids(last).length
      last = typeof unit === 'string' ? unit : ''
      if (typeof unit === 'number') count++
      if (count > limit) return true
    }
    if (last === '') return false
    const end = isPart || last.length > LONG_PIECE ? model.fewest(last) : model.ids(last).length
    return count + end > limit
  }
  return (text: string, limit: number): boolean => {
    if (text.length <= limit * CHARACTERS_A_TOKEN) return false
    const room = limit + margin + END_MARGIN
    for (let part = room * 2 * CHARACTERS_A_TOKEN; isLocal && part < text.length; part *= GROWTH) {
      // White space at the cut may belong to an added token that follows.
      const start = text.slice(0, part).replace(/\p{White_Space}+$/u, '')
      if (exceeds(start.replace(/[\ud800-\udbff]$/, ''), room, true)) return true
    }
    return exceeds(text, limit, false)
  }
}

/**
 * True where all expressions of a normalizer and a pre-tokenizer are known ones: none of them looks
 * farther ahead than a run of white space.
 * @param configs parts of a tokenizer.json
 */
export function isLocal(configs: unknown): boolean {
  const expression = z.looseObject({ Regex: z.string() }).safeParse(configs)
  if (expression.success) return isLinear(expression.data.Regex)
  if (typeof configs !== 'object' || configs === null) return true
  return Object.values(configs).every(isLocal)
}
