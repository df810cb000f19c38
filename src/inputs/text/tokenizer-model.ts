/**
 * @file The `model` of a tokenizer.json, checked before it is used. The engine takes any values,
 * and gives wrong ids for wrong ones.
 */

import { z } from 'zod'
import { jsonObject } from '../../foundation/files/file.ts'
import { addedTokenSchema, MOST_IDS } from './added-tokens.ts'
import { TextError } from './errors.ts'

/** A tokenizer.json, as far as all of them agree. */
export const tokenizerSchema = z.looseObject({
  added_tokens: z.array(addedTokenSchema).nullish(),
  model: jsonObject,
})
export type TokenizerFile = z.infer<typeof tokenizerSchema>

/**
 * Checks tokens, ids and merges as Python's `tokenizers` does. The check is written by hand,
 * because a schema takes twice as long for the 150,000 merges of a usual file.
 * @param where for messages: the file
 * @throws TextError `text/tokenizer` naming the first token or merge that is wrong
 */
export function checkTokenizerModel(model: Readonly<Record<string, unknown>>, where: string): void {
  const { type, vocab, merges, continuing_subword_prefix: prefix } = model
  if (typeof vocab !== 'object' || vocab === null)
    throw unfit(where, `model.vocab is ${shown(vocab)}, expected tokens with their ids`)
  const entries = Object.entries(vocab)
  if (entries.length === 0) throw unfit(where, 'model.vocab is empty')
  // A list is Unigram's: each entry is a token with its score, and its place is the id.
  const isEntry = Array.isArray(vocab) ? isScored : isId
  const wrong = entries.find(([, value]) => !isEntry(value))
  if (wrong !== undefined) {
    const expected = Array.isArray(vocab)
      ? 'a token with its score'
      : `a whole number from 0 to ${MOST_IDS - 1}`
    throw unfit(where, `model.vocab: ${shown(wrong[0])} is ${shown(wrong[1])}, expected ${expected}`)
  }
  if (Array.isArray(merges)) {
    checkMerges(merges, new Map(entries), typeof prefix === 'string' ? prefix.length : 0, where)
  } else if (type === 'BPE') throw unfit(where, `model.merges is ${shown(merges)}, expected a list`)
}

/** The tokens of a `model`: how many there are, and their ids. */
export interface Vocabulary {
  readonly size: number
  idOf(token: string): number | undefined
}

/** @param model as `checkTokenizerModel` has found it right */
export function vocabularyOf({ vocab }: Readonly<Record<string, unknown>>): Vocabulary {
  if (Array.isArray(vocab)) {
    const ids = new Map(vocab.map((entry: unknown, id) => [Array.isArray(entry) ? entry[0] : entry, id]))
    return { size: ids.size, idOf: (token) => ids.get(token) }
  }
  const ids = new Map(typeof vocab === 'object' && vocab !== null ? Object.entries(vocab) : [])
  return {
    size: ids.size,
    idOf: (token) => (typeof ids.get(token) === 'number' ? ids.get(token) : undefined),
  }
}

function isId(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < MOST_IDS
}

function isScored(value: unknown): boolean {
  return Array.isArray(value) && typeof value[0] === 'string' && typeof value[1] === 'number'
}

/**
 * Each merge joins two tokens to a third; older files write the two with a space between.
 * @param marked characters that mark the second one as the inner part of a word: the third goes
 *   without them
 */
function checkMerges(
  merges: readonly unknown[],
  tokens: ReadonlyMap<string, unknown>,
  marked: number,
  where: string,
): void {
  for (const [at, merge] of merges.entries()) {
    if (typeof merge === 'string' && merge.startsWith('#version')) continue
    const parts: unknown = typeof merge === 'string' ? merge.split(' ') : merge
    if (!isPair(parts)) throw unfit(where, `model.merges[${at}] is ${shown(merge)}, expected two tokens`)
    const [left, right] = parts
    const unknown = [left, right, left + right.slice(marked)].find((token) => !tokens.has(token))
    if (unknown !== undefined) {
      throw unfit(
        where,
        `model.merges[${at}] is ${shown(merge)}, but model.vocab has no token ${shown(unknown)}`,
      )
    }
  }
}

function isPair(parts: unknown): parts is [string, string] {
  return (
    Array.isArray(parts) && parts.length === 2 && typeof parts[0] === 'string' && typeof parts[1] === 'string'
  )
}

/** A value for a message; the file may hold anything in its place. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'absent'
  return text.length > 80 ? `${text.slice(0, 80)} …` : text
}

function unfit(where: string, what: string): TextError {
  return new TextError('tokenizer', {
    message: `${where}: ${what}`,
    hint: 'Is the tokenizer complete and from the same repository as the weights? Fetch it again.',
  })
}
