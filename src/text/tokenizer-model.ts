/** @file The `model` of a tokenizer.json, checked before it is used: the engine takes anything, and gives other ids for it. */

import { z } from 'zod'
import { TextError } from './errors.ts'

/** No published vocabulary has a tenth of it; the engine makes an array up to the highest id. */
const MOST_IDS = 2 ** 24

const bpe = z.looseObject({
  type: z.literal('BPE').nullish(),
  merges: z.array(z.unknown()),
  continuing_subword_prefix: z.string().nullish(),
})
const pair = z.tuple([z.string(), z.string()])

/**
 * Checks tokens, ids and merges as Python's `tokenizers` does.
 * @param where for messages: the file
 * @throws TextError `text/tokenizer` naming the first token or merge that is wrong
 */
export function checkTokenizerModel(model: Readonly<Record<string, unknown>>, where: string): void {
  const { vocab } = model
  if (typeof vocab !== 'object' || vocab === null) throw unfit(where, `model.vocab is ${shown(vocab)}, expected tokens with their ids`)
  const entries = Object.entries(vocab)
  if (entries.length === 0) throw unfit(where, 'model.vocab is empty')
  // A list is Unigram's: a token and its score each, the place is the id.
  const wrong = entries.find(([, value]) => (Array.isArray(vocab) ? !isScored(value) : !isId(value)))
  if (wrong !== undefined) {
    const [token, value] = wrong
    const expected = Array.isArray(vocab) ? 'a token with its score' : `a whole number from 0 to ${MOST_IDS - 1}`
    throw unfit(where, `model.vocab: ${JSON.stringify(token)} is ${shown(value)}, expected ${expected}`)
  }
  const parsed = bpe.safeParse(model)
  if (parsed.success) checkMerges(parsed.data.merges, new Set(Object.keys(vocab)), parsed.data.continuing_subword_prefix ?? '', where)
  else if (model.type === 'BPE') throw unfit(where, `model.merges is ${shown(model.merges)}, expected a list`)
}

function isId(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) < MOST_IDS
}

function isScored(value: unknown): boolean {
  return Array.isArray(value) && typeof value[0] === 'string' && typeof value[1] === 'number'
}

/** Each merge joins two tokens to a third; older files write the two with a space between. */
function checkMerges(merges: readonly unknown[], tokens: ReadonlySet<string>, prefix: string, where: string): void {
  for (const [at, merge] of merges.entries()) {
    if (typeof merge === 'string' && merge.startsWith('#version')) continue
    const parts = pair.safeParse(typeof merge === 'string' ? merge.split(' ') : merge).data
    if (parts === undefined) throw unfit(where, `model.merges[${at}] is ${shown(merge)}, expected two tokens`)
    const [left, right] = parts
    const unknown = [left, right, left + right.slice(prefix.length)].find((token) => !tokens.has(token))
    if (unknown !== undefined) {
      throw unfit(where, `model.merges[${at}] is ${shown(merge)}, but model.vocab has no token ${JSON.stringify(unknown)}`)
    }
  }
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
