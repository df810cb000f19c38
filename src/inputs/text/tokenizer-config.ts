/**
 * @file tokenizer_config.json and special_tokens_map.json: which strings are special, and the chat
 * template where it stands there.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { jsonObject, readJson } from '../../foundation/files/file.ts'
import { addedTokenFlags } from './added-tokens.ts'

/** A special token as files write it: a string, or an object with the flags of an added token. */
const tokenSchema = z.union([
  z.string(),
  z
    .object({ ...addedTokenFlags })
    .partial()
    .extend({ content: z.string() }),
])
type TokenSetting = z.infer<typeof tokenSchema>

const configSchema = z.looseObject({
  tokenizer_class: z.string().nullish(),
  model_type: z.string().optional(),
  model_max_length: z.number().nullish(),
  clean_up_tokenization_spaces: z.boolean().nullish(),
  add_bos_token: z.boolean().nullish(),
  add_eos_token: z.boolean().nullish(),
  add_prefix_space: z.boolean().nullish(),
  split_special_tokens: z.boolean().nullish(),
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

/** Keys of config.json about the tokenizer, read where tokenizer_config.json lacks them. */
const modelSchema = z.looseObject({
  tokenizer_class: z.string().nullish(),
  model_type: z.string().optional().catch(undefined),
})

/**
 * tokenizer_config.json of a folder; empty when there is none. Where it names no class, the class
 * and the model type are those of config.json.
 * @throws FileError `file/json`, `file/schema`
 */
export async function readTokenizerConfig(dir: string): Promise<TokenizerConfig> {
  const [path, modelPath] = [join(dir, 'tokenizer_config.json'), join(dir, 'config.json')]
  const config = existsSync(path) ? await readJson(path, configSchema) : {}
  if (config.tokenizer_class || !existsSync(modelPath)) return config
  const { tokenizer_class, model_type } = await readJson(modelPath, modelSchema)
  return { ...config, tokenizer_class, model_type }
}

/** The keys whose tokens are special, in the order in which Python adds them. */
const KEYS = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'].map((name) => `${name}_token`)

/** Special tokens of a folder. */
export interface SpecialTokens {
  /** Token strings by their published key, e.g. `{ bos_token: '<s>' }`. */
  readonly named: Readonly<Record<string, string>>
  /** All of them, in the order in which Python adds those that the tokenizer lacks. */
  readonly all: readonly TokenSetting[]
}

/**
 * The special tokens of a folder. tokenizer_config.json wins over special_tokens_map.json, as in
 * the reference.
 * @throws FileError `file/json`, `file/schema`
 */
export async function readSpecialTokens(dir: string, config: TokenizerConfig): Promise<SpecialTokens> {
  const path = join(dir, 'special_tokens_map.json')
  const map = existsSync(path) ? await readJson(path, jsonObject) : {}
  const settings = new Map<string, TokenSetting>()
  for (const [key, value] of [...Object.entries(map), ...Object.entries(config)]) {
    const parsed = tokenSchema.safeParse(value)
    if (/^[a-z]+_token$/.test(key) && parsed.success) settings.set(key, parsed.data)
  }
  const more = config.additional_special_tokens ?? map.additional_special_tokens
  const extra = config.extra_special_tokens
  const listed = [more, extra].flatMap((value) => z.array(tokenSchema).safeParse(value).data ?? [])
  const byName = z.record(z.string(), tokenSchema).safeParse(extra).data ?? {}
  return {
    named: Object.fromEntries([...settings].map(([key, setting]) => [key, contentOf(setting)])),
    all: [...KEYS.flatMap((key) => settings.get(key) ?? []), ...listed, ...Object.values(byName)],
  }
}

/** The string of a token. */
export function contentOf(setting: TokenSetting): string {
  return typeof setting === 'string' ? setting : setting.content
}
