/** @file Tokenizers of checkpoint folders: text to token ids and back. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Tokenizer as Engine } from '@huggingface/tokenizers'
import { z } from 'zod'
import { jsonObject, readJson } from '../../foundation/files/file.ts'
import { type AddedToken, addedTokenSchema, sectionReader } from './added-tokens.ts'
import { TextError } from './errors.ts'
import { allAddedTokens, checkIds } from './known-tokens.ts'
import { isLocal, lengthCheck } from './length.ts'
import { createPieceModel } from './model.ts'
import { createNormalizer } from './normalizers.ts'
import { createFrame, NO_FRAME } from './post-processors.ts'
import { createPreTokenizer } from './pre-tokenizers.ts'
import { frameOfClass, withPrefixSpace } from './tokenizer-class.ts'
import { readSpecialTokens, readTokenizerConfig, type TokenizerConfig } from './tokenizer-config.ts'
import { checkTokenizerModel, tokenizerSchema, vocabularyOf } from './tokenizer-model.ts'
import { fromVocabulary } from './vocabulary-files.ts'

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
  /**
   * True where a text surely has more than `limit` tokens. A text far beyond the limit is not
   * tokenized whole for it; for any text that fits the answer is false. False decides nothing.
   */
  surelyLonger(text: string, limit: number): boolean
  /** Ids of the added tokens in a text, in order; the words between them are not tokenized. */
  addedTokens(text: string): number[]
  /** @param options.skipSpecialTokens default false */
  decode(ids: readonly number[], options?: { skipSpecialTokens?: boolean }): string
  /** The id of exactly this token, such as `<image>`; undefined when it is none. */
  tokenId(token: string): number | undefined
}

/** A longer `model_max_length` is the reference's way to say "no limit" (it writes 10^30). */
const LONGEST = 1e9

/**
 * Loads `tokenizer.json`, or `vocab.json` + `merges.txt` (+ `added_tokens.json`) of Qwen2's kind,
 * as Dream publishes them.
 * @param options.classes names in tokenizer_config.json, beside Qwen2's own, under which the
 *   family's files are of that kind
 * @throws TextError `text/no-tokenizer`, `text/tokenizer-class`, `text/tokenizer`; FileError when a
 *   file can't be read
 * @see specs/ar-vlms.md §12, specs/lavida.md §5.2
 * @example const tokenizer = await loadTokenizer('checkpoint'); tokenizer.encode('a cat')
 */
export async function loadTokenizer(
  dir: string,
  { classes }: { classes?: readonly string[] } = {},
): Promise<Tokenizer> {
  const config = await readTokenizerConfig(dir)
  const fast = join(dir, 'tokenizer.json')
  const isFast = existsSync(fast)
  const json = isFast ? await readJson(fast, tokenizerSchema) : await fromVocabulary(dir, config, classes)
  const where = isFast ? fast : join(dir, 'vocab.json')
  checkTokenizerModel(json.model, where)
  const special = await readSpecialTokens(dir, config)
  checkIds(config, dir)
  const added = allAddedTokens(json, config, special, isFast)
  const pre_tokenizer = isFast ? withPrefixSpace(json.pre_tokenizer, config) : json.pre_tokenizer
  return createTokenizer({ ...json, pre_tokenizer, added_tokens: added }, config, special.named, where)
}

/**
 * A tokenizer from a tokenizer.json object.
 * @param special token strings by their published key, e.g. `{ eos_token: '</s>' }`
 * @param where   for messages: the file or what else it comes from
 * @throws TextError `text/tokenizer`
 */
export function createTokenizer(
  json: object,
  config: TokenizerConfig = {},
  special: Readonly<Record<string, string>> = {},
  where = 'tokenizer.json',
): Tokenizer {
  const parts: Partial<Record<string, unknown>> = { ...json }
  const { added_tokens: listed } = z
    .looseObject({ added_tokens: z.array(addedTokenSchema).nullish() })
    .parse(json)
  const added = listed ?? []
  const description = jsonObject.parse(parts.model)
  const engine = createEngine({ ...parts, model: description, added_tokens: added }, config, where)
  const ids = new Map(added.map(({ content, id }) => [content, id]))
  const model = createPieceModel(engine, description, where)
  const normalizer = createNormalizer(parts.normalizer, where)
  const pieces = createPreTokenizer(parts.pre_tokenizer, where)
  const matched = config.split_special_tokens === true ? added.filter((token) => !token.special) : added
  const sections = sectionReader(matched, normalizer)
  const longer = lengthCheck({
    ...{ sections, pieces, model },
    isLocal: isLocal([parts.normalizer, parts.pre_tokenizer]),
    margin: Math.max(0, ...added.map(({ content }) => content.length)),
  })
  const idOf = (token: string): number | undefined => ids.get(token) ?? engine.token_to_id(token)
  const frame = frameOfClass(config, special, idOf, where) ?? createFrame(parts.post_processor, where)
  let size = 0
  for (const id of engine.get_vocab().values()) size = Math.max(size, id + 1)
  const namedId = (key: string): number | undefined =>
    special[key] === undefined ? undefined : idOf(special[key])
  const maxLength = config.model_max_length ?? LONGEST
  return {
    size,
    maxLength: maxLength < LONGEST ? maxLength : undefined,
    special: {
      bos: namedId('bos_token'),
      eos: namedId('eos_token'),
      pad: namedId('pad_token'),
      unk: namedId('unk_token'),
      mask: namedId('mask_token'),
    },
    encode: (text, { addSpecialTokens = true } = {}) => {
      const { before, after } = addSpecialTokens ? frame : NO_FRAME
      const ids = [...before]
      for (const section of sections(wellFormed(text))) {
        if (typeof section === 'number') ids.push(section)
        else for (const piece of pieces([section])) for (const id of model.ids(piece.text)) ids.push(id)
      }
      ids.push(...after)
      return ids
    },
    addedTokens: (text) => [...sections(wellFormed(text))].filter((section) => typeof section === 'number'),
    surelyLonger: (text, limit) => longer(wellFormed(text), limit - frame.before.length - frame.after.length),
    decode: (ids, { skipSpecialTokens = false } = {}) => {
      if (ids.length === 0) return ''
      return engine.decode([...ids], {
        skip_special_tokens: skipSpecialTokens,
        clean_up_tokenization_spaces: config.clean_up_tokenization_spaces ?? false,
      })
    },
    tokenId: idOf,
  }
}

interface EngineParts {
  model: Readonly<Record<string, unknown>>
  added_tokens: readonly AddedToken[]
}

/**
 * Makes the engine, which holds the vocabulary, the models and the decoders. Normalizers,
 * pre-tokenizers, added tokens and post-processors are functions of this folder.
 */
function createEngine(parts: EngineParts, config: TokenizerConfig, where: string): Engine {
  try {
    const engine = new Engine(
      { decoder: null, ...parts, normalizer: null, pre_tokenizer: null, post_processor: null },
      config,
    )
    // The engine adds these tokens to the vocabulary, where a word of a text would find them.
    const vocabulary = vocabularyOf(parts.model)
    for (const { content } of parts.added_tokens)
      if (vocabulary.idOf(content) === undefined) engine.model?.tokens_to_ids.delete(content)
    return engine
  } catch (cause) {
    throw new TextError('tokenizer', {
      message: `${where}: the tokenizer is of an unknown form: ${cause instanceof Error ? cause.message : cause}`,
      hint: 'Is tokenizer.json complete and from the same repository as the weights?',
      cause,
    })
  }
}

/** Half of a surrogate pair stands for no character; UTF-8 has none. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd')
}
