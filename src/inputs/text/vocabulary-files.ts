/** @file Tokenizers without tokenizer.json: `vocab.json`, `merges.txt`, `added_tokens.json`. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { readJson, readText } from '../../foundation/files/file.ts'
import { tokenId } from './added-tokens.ts'
import { byteLevelTokenizer, specialToken } from './byte-level.ts'
import { TextError } from './errors.ts'
import type { TokenizerConfig } from './tokenizer-config.ts'
import type { TokenizerFile } from './tokenizer-model.ts'

/** Slow tokenizer classes of Qwen2 itself. */
const QWEN2 = ['Qwen2Tokenizer', 'Qwen2TokenizerFast']

const idsSchema = z.record(z.string(), tokenId)

/**
 * The tokenizer.json that the files of a slow tokenizer of Qwen2's kind mean, as Dream publishes
 * them.
 * @param classes further names under which a family's files have this kind
 * @throws TextError `text/no-tokenizer`, `text/tokenizer-class`, `text/tokenizer`; FileError when a
 *   file can't be read
 */
export async function fromVocabulary(
  dir: string,
  config: TokenizerConfig,
  classes: readonly string[] = [],
): Promise<TokenizerFile> {
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
  const known = [...QWEN2, ...classes]
  if (!known.includes(kind)) {
    throw new TextError('tokenizer-class', {
      message: `${dir} has vocab.json and merges.txt for a ${kind}; without tokenizer.json only ${known.join(', ')} are known`,
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
