/**
 * @file tokenizer_config.json and special_tokens_map.json: which strings are special, and the chat
 * template where it stands there.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { jsonObject, readJson } from '../../foundation/files/file.ts'

const token = z.union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)])

const configSchema = z.looseObject({
  tokenizer_class: z.string().nullish(),
  model_max_length: z.number().nullish(),
  clean_up_tokenization_spaces: z.boolean().nullish(),
  added_tokens_decoder: z
    .record(
      z.string().regex(/^\d+$/),
      z.object({
        content: z.string(),
        single_word: z.boolean().default(false),
        lstrip: z.boolean().default(false),
        rstrip: z.boolean().default(false),
        normalized: z.boolean().default(true),
        special: z.boolean().default(false),
      }),
    )
    .optional(),
  chat_template: z
    .union([z.string(), z.array(z.object({ name: z.string(), template: z.string() }))])
    .nullish(),
})

/** tokenizer_config.json; every other key is kept as it is. */
export type TokenizerConfig = z.infer<typeof configSchema>

/**
 * tokenizer_config.json of a folder; empty when there is none.
 * @throws FileError `file/json`, `file/schema`
 */
export async function readTokenizerConfig(dir: string): Promise<TokenizerConfig> {
  const path = join(dir, 'tokenizer_config.json')
  return existsSync(path) ? await readJson(path, configSchema) : {}
}

/**
 * The special tokens by their published key, e.g. `{ bos_token: '<s>' }`. tokenizer_config.json
 * wins over special_tokens_map.json, as in the reference.
 * @throws FileError `file/json`, `file/schema`
 */
export async function readSpecialTokens(
  dir: string,
  config: TokenizerConfig,
): Promise<Record<string, string>> {
  const path = join(dir, 'special_tokens_map.json')
  const map = existsSync(path) ? await readJson(path, jsonObject) : {}
  const special: Record<string, string> = {}
  for (const [key, value] of [...Object.entries(map), ...Object.entries(config)]) {
    const parsed = token.safeParse(value)
    if (/^[a-z]+_token$/.test(key) && parsed.success) special[key] = parsed.data
  }
  return special
}
