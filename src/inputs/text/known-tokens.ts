/** @file All added tokens of a folder, from the three files that may list them. */

import { type AddedToken, MOST_IDS } from './added-tokens.ts'
import { TextError } from './errors.ts'
import { contentOf, type SpecialTokens, type TokenizerConfig } from './tokenizer-config.ts'
import { type TokenizerFile, vocabularyOf } from './tokenizer-model.ts'

/**
 * The added tokens as transformers knows them: those of tokenizer.json, then those of
 * tokenizer_config.json, whose flags win, then special tokens that are still missing.
 * @param isFast Python's fast tokenizers number added tokens themselves: a token of the vocabulary
 *   keeps its id, any other one gets the next free id, whatever the file says
 */
export function allAddedTokens(
  { added_tokens, model }: TokenizerFile,
  config: TokenizerConfig,
  special: SpecialTokens,
  isFast: boolean,
): AddedToken[] {
  const vocabulary = vocabularyOf(model)
  const known = new Map<string, AddedToken>()
  const specials = new Set(special.all.map(contentOf))
  let next = vocabulary.size
  const add = (token: Omit<AddedToken, 'id'>, listed?: number): void => {
    if (token.content === '') return
    const own = known.get(token.content)?.id ?? vocabulary.idOf(token.content)
    const id = own ?? (isFast || listed === undefined ? next : listed)
    next = Math.max(next, id + 1)
    known.set(token.content, { ...token, id })
  }
  for (const { id, ...token } of added_tokens ?? []) add(token, id)
  const decoder = Object.entries(config.added_tokens_decoder ?? {})
  for (const [id, token] of decoder.sort(([a], [b]) => Number(a) - Number(b)))
    add({ ...token, special: token.special || specials.has(token.content) }, Number(id))
  for (const setting of special.all) {
    const content = contentOf(setting)
    const hasFlags = typeof setting !== 'string' && decoder.length === 0
    if (known.has(content) && !hasFlags) continue
    const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false }
    add({ ...flags, ...(typeof setting === 'string' ? {} : setting), content, special: true })
  }
  return [...known.values()].sort((a, b) => a.id - b.id)
}

/** @throws TextError `text/tokenizer` for an id beyond all vocabularies */
export function checkIds({ added_tokens_decoder: listed = {} }: TokenizerConfig, dir: string): void {
  const beyond = Object.keys(listed).find((id) => Number(id) >= MOST_IDS)
  if (beyond === undefined) return
  throw new TextError('tokenizer', {
    message: `${dir}: tokenizer_config.json has a token with the id ${beyond}, expected one below ${MOST_IDS}`,
    hint: 'Fetch tokenizer_config.json again from the same repository as the weights.',
  })
}
