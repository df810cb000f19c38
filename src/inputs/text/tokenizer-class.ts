/**
 * @file Python's tokenizer classes that build their post-processor anew from `add_bos_token` and
 * `add_eos_token`. All other classes keep the one of tokenizer.json, whatever the two keys say.
 */

import { z } from 'zod'
import { TextError } from './errors.ts'
import type { Frame } from './post-processors.ts'
import type { TokenizerConfig } from './tokenizer-config.ts'

interface Rule {
  bos: string
  eos: string
  /** `add_bos_token` where the file has no such key; `add_eos_token` is false then. */
  addBos: boolean
}

const LLAMA: Rule = { bos: '<s>', eos: '</s>', addBos: true }
const GEMMA: Rule = { bos: '<bos>', eos: '<eos>', addBos: true }
const RULES: ReadonlyMap<string, Rule> = new Map([
  ['Llama', LLAMA],
  ['CodeLlama', LLAMA],
  ['Gemma', GEMMA],
  ['Cohere', { bos: '<BOS_TOKEN>', eos: '<|END_OF_TURN_TOKEN|>', addBos: true }],
  ['GPTNeoX', { bos: '<|endoftext|>', eos: '<|endoftext|>', addBos: false }],
])

/**
 * The class that transformers 4.57 takes for a kind of model where tokenizer_config.json names
 * none; of the families here, and of the decoders below them.
 */
const OF_MODEL_TYPE: ReadonlyMap<string, string> = new Map([
  ...['llama', 'llava', 'llava_next', 'llava_next_video', 'llava_onevision', 'idefics3', 'vipllava'].map(
    (type): [string, string] => [type, 'Llama'],
  ),
  ...['gemma', 'gemma2', 'gemma3', 'gemma3_text', 'siglip2', 'paligemma'].map((type): [string, string] => [
    type,
    'Gemma',
  ]),
])

/**
 * The tokens around every text, where the class of the tokenizer decides them; undefined where
 * tokenizer.json does.
 * @param special token strings by their published key, e.g. `{ eos_token: '</s>' }`
 * @param where   for messages: the folder
 * @throws TextError `text/tokenizer` where a token is to be added that the tokenizer lacks
 * @see transformers 4.57, `update_post_processor` of LlamaTokenizerFast and GemmaTokenizerFast
 */
export function frameOfClass(
  config: TokenizerConfig,
  special: Readonly<Record<string, string>>,
  idOf: (token: string) => number | undefined,
  where: string,
): Frame | undefined {
  const rule = ruleOf(config)
  if (rule === undefined) return undefined
  const add = (wanted: boolean, key: 'bos_token' | 'eos_token', usual: string): number[] => {
    if (!wanted) return []
    const token = special[key] ?? usual
    const id = config[key] === null ? undefined : idOf(token)
    if (id !== undefined) return [id]
    throw new TextError('tokenizer', {
      message: `${where}: by tokenizer_config.json, or without one by the model type, each text gets the ${key} ${JSON.stringify(token)}, which the tokenizer does not have`,
      hint: 'Are tokenizer.json and tokenizer_config.json both there, and from the same repository?',
    })
  }
  return {
    before: add(config.add_bos_token ?? rule.addBos, 'bos_token', rule.bos),
    after: add(config.add_eos_token ?? false, 'eos_token', rule.eos),
  }
}

function ruleOf({ tokenizer_class: kind, model_type: type }: TokenizerConfig): Rule | undefined {
  const name = kind ? /^(.*?)Tokenizer(Fast)?$/.exec(kind)?.[1] : OF_MODEL_TYPE.get(type ?? '')
  return RULES.get(name ?? '')
}

/**
 * transformers sets a byte-level pre-tokenizer to what tokenizer_config.json says, else to false;
 * only its Llama class leaves it alone.
 */
export function withPrefixSpace(
  config: unknown,
  { add_prefix_space, tokenizer_class }: TokenizerConfig,
): unknown {
  const parsed = z.looseObject({ type: z.literal('ByteLevel') }).safeParse(config)
  const wanted = add_prefix_space ?? (/^LlamaTokenizer/.test(tokenizer_class ?? '') ? undefined : false)
  return parsed.success && wanted !== undefined ? { ...parsed.data, add_prefix_space: wanted } : config
}
