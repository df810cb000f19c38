/** @file Tokenizers of checkpoint folders: text to token ids and back. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Tokenizer as Engine } from '@huggingface/tokenizers'
import { z } from 'zod'
import { jsonObject, readJson, readText } from '../../foundation/files/file.ts'
import { type AddedToken, byteLevelTokenizer, specialToken } from './byte-level.ts'
import { TextError } from './errors.ts'
import { readSpecialTokens, readTokenizerConfig, type TokenizerConfig } from './tokenizer-config.ts'
import { checkTokenizerModel } from './tokenizer-model.ts'

export interface Tokenizer {
  /** Highest id + 1: rows that an embedding table needs. */
  readonly size: number
  /**
   * tokenizer_config.json's `model_max_length`, in tokens; undefined where the file leaves it open.
   */
  readonly maxLength: number | undefined
  /** Ids of the special tokens that the files name. */
  readonly special: {
    readonly bos?: number
    readonly eos?: number
    readonly pad?: number
    readonly unk?: number
    readonly mask?: number
  }
  /**
   * Token ids of a text; added tokens in it (`<image>`, `<|im_start|>`) are found first. Nothing is
   * padded or cut.
   * @param options.addSpecialTokens what the file puts around every text (bos, eos); default true
   */
  encode(text: string, options?: { addSpecialTokens?: boolean }): number[]
  /** @param options.skipSpecialTokens default false */
  decode(ids: readonly number[], options?: { skipSpecialTokens?: boolean }): string
  /** The id of exactly this token, such as `<image>`; undefined when it is none. */
  tokenId(token: string): number | undefined
}

/** A longer `model_max_length` is the reference's way to say "no limit" (it writes 10^30). */
const LONGEST = 1e9

/** Slow tokenizer classes that are Qwen2's byte-level BPE. */
const QWEN2_LIKE = ['Qwen2Tokenizer', 'Qwen2TokenizerFast', 'DreamTokenizer']

const addedTokenSchema = z.object({
  id: z.number().int().nonnegative(),
  content: z.string(),
  single_word: z.boolean(),
  lstrip: z.boolean(),
  rstrip: z.boolean(),
  normalized: z.boolean(),
  special: z.boolean(),
})
const tokenizerSchema = z.looseObject({
  added_tokens: z.array(addedTokenSchema).nullish(),
  model: jsonObject,
})
const idsSchema = z.record(z.string(), z.number().int().nonnegative())

/**
 * Loads `tokenizer.json`, or `vocab.json` + `merges.txt` (+ `added_tokens.json`) of Qwen2's kind,
 * as Dream publishes them.
 * @throws TextError `text/no-tokenizer`, `text/tokenizer-class`, `text/tokenizer`; FileError when a
 *   file can't be read
 * @see specs/ar-vlms.md §12, specs/lavida.md §5.2
 * @example const tokenizer = await loadTokenizer('checkpoint'); tokenizer.encode('a cat')
 */
export async function loadTokenizer(dir: string): Promise<Tokenizer> {
  const config = await readTokenizerConfig(dir)
  const fast = join(dir, 'tokenizer.json')
  const json = existsSync(fast) ? await readJson(fast, tokenizerSchema) : await fromVocabulary(dir, config)
  checkTokenizerModel(json.model, existsSync(fast) ? fast : join(dir, 'vocab.json'))
  const added = withConfigTokens(json.added_tokens ?? [], config)
  const special = await readSpecialTokens(dir, config)
  return createTokenizer({ ...json, added_tokens: added }, config, special, dir)
}

/**
 * A tokenizer from a tokenizer.json object.
 * @param special token strings by their published key, e.g. `{ eos_token: '</s>' }`
 * @param where   for messages: the folder or what else it comes from
 * @throws TextError `text/tokenizer`
 */
export function createTokenizer(
  json: object,
  config: TokenizerConfig = {},
  special: Readonly<Record<string, string>> = {},
  where = 'tokenizer.json',
): Tokenizer {
  let engine: Engine
  try {
    engine = new Engine(json, config)
  } catch (cause) {
    throw new TextError('tokenizer', {
      message: `${where}: the tokenizer is of an unknown form: ${cause instanceof Error ? cause.message : cause}`,
      hint: 'Is tokenizer.json complete and from the same repository as the weights?',
      cause,
    })
  }
  let size = 0
  for (const id of engine.get_vocab().values()) size = Math.max(size, id + 1)
  const idOf = (key: string): number | undefined =>
    special[key] === undefined ? undefined : engine.token_to_id(special[key])
  const maxLength = config.model_max_length ?? LONGEST
  return {
    size,
    maxLength: maxLength < LONGEST ? maxLength : undefined,
    special: {
      bos: idOf('bos_token'),
      eos: idOf('eos_token'),
      pad: idOf('pad_token'),
      unk: idOf('unk_token'),
      mask: idOf('mask_token'),
    },
    encode: (text, { addSpecialTokens = true } = {}) => {
      // Without an unknown-token the engine gives undefined where the reference drops the
      // character.
      const ids: (number | undefined)[] = engine.encode(text, { add_special_tokens: addSpecialTokens }).ids
      return ids.filter((id) => id !== undefined)
    },
    decode: (ids, { skipSpecialTokens = false } = {}) => {
      if (ids.length === 0) return ''
      return engine.decode([...ids], {
        skip_special_tokens: skipSpecialTokens,
        clean_up_tokenization_spaces: config.clean_up_tokenization_spaces ?? false,
      })
    },
    tokenId: (token) => engine.token_to_id(token),
  }
}

/** tokenizer_config.json may list tokens that tokenizer.json lacks; the reference adds them. */
function withConfigTokens(listed: readonly AddedToken[], config: TokenizerConfig): AddedToken[] {
  const known = new Set(listed.map(({ id }) => id))
  const more = Object.entries(config.added_tokens_decoder ?? {}).map(([id, token]) => ({
    id: Number(id),
    ...token,
  }))
  return [...listed, ...more.filter(({ id }) => !known.has(id))].sort((a, b) => a.id - b.id)
}

async function fromVocabulary(
  dir: string,
  config: TokenizerConfig,
): Promise<z.infer<typeof tokenizerSchema>> {
  const [vocabularyPath, mergesPath, addedPath] = [
    join(dir, 'vocab.json'),
    join(dir, 'merges.txt'),
    join(dir, 'added_tokens.json'),
  ]
  if (!existsSync(vocabularyPath) || !existsSync(mergesPath)) {
    throw new TextError('no-tokenizer', {
      message: `${dir} has neither tokenizer.json nor vocab.json and merges.txt`,
      hint: 'Fetch the tokenizer files of the checkpoint too. spiece.model and tokenizer.model are not read: save a fast tokenizer from them.',
    })
  }
  const kind = config.tokenizer_class ?? 'Qwen2Tokenizer'
  if (!QWEN2_LIKE.includes(kind)) {
    throw new TextError('tokenizer-class', {
      message: `${dir} has vocab.json and merges.txt for a ${kind}; without tokenizer.json only ${QWEN2_LIKE.join(', ')} are known`,
      hint: 'Save it with transformers as a fast tokenizer, which writes tokenizer.json.',
    })
  }
  const vocabulary = await readJson(vocabularyPath, idsSchema)
  const added = existsSync(addedPath) ? await readJson(addedPath, idsSchema) : {}
  const listed = config.added_tokens_decoder ?? {}
  const addedTokens = Object.entries(added)
    .filter(([, id]) => listed[id] === undefined)
    .map(([content, id]) => specialToken(id, content))
  return {
    ...byteLevelTokenizer({
      vocabulary,
      merges: parseMerges(mergesPath, await readText(mergesPath)),
      addedTokens: [],
      pattern: 'qwen2',
    }),
    added_tokens: addedTokens,
  }
}

/** Lines of two tokens; the first line may name a version. */
function parseMerges(path: string, text: string): [string, string][] {
  const merges: [string, string][] = []
  for (const [number, line] of text.split('\n').entries()) {
    const words = line.trim().split(' ')
    if (line.trim() === '' || (number === 0 && line.startsWith('#version:'))) continue
    const [left, right] = words
    if (left === undefined || right === undefined || words.length !== 2) {
      throw new TextError('tokenizer', {
        message: `${path}: line ${number + 1} is no pair of tokens: "${line}"`,
        hint: 'Fetch merges.txt again from the same repository.',
      })
    }
    merges.push([left, right])
  }
  return merges
}
