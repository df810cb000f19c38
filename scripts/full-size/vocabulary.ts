/**
 * @file A byte-level tokenizer as large as a published one, of made-up tokens: opening it takes
 * what the published one takes.
 */

import {
  BYTE_CHARACTERS,
  byteLevelTokenizer,
  specialToken,
  type TokenizerJson,
} from '../../src/inputs/text/byte-level.ts'

/**
 * @param plain number of tokens that text can give; ids 0 … 255 are bytes, then pairs and triples
 *   of them
 * @param added token → id, behind the plain ones
 */
export function madeUpTokenizer(plain: number, added: Readonly<Record<string, number>>): TokenizerJson {
  const tokens: string[] = [...BYTE_CHARACTERS]
  const merges: [string, string][] = []
  // Every token longer than a byte is an earlier one and a byte: breadth first, all pairs before
  // the first triple.
  for (let at = 0; tokens.length < plain; at++) {
    for (const byte of BYTE_CHARACTERS) {
      if (tokens.length === plain) break
      merges.push([tokens[at]!, byte])
      tokens.push(tokens[at]! + byte)
    }
  }
  return byteLevelTokenizer({
    vocabulary: Object.fromEntries(tokens.map((token, id) => [token, id])),
    merges,
    addedTokens: Object.entries(added).map(([content, id]) => specialToken(id, content)),
    pattern: 'qwen2',
  })
}

/**
 * LLaDA's: 126,080 plain tokens and 269 added ones.
 * @see specs/lavida.md §1.6, specs/mmada.md §2.1
 */
export function lladaTokenizer(): TokenizerJson {
  const names: Record<number, string> = {
    126080: '<|startoftext|>',
    126081: '<|endoftext|>',
    126082: '[CLS]',
    126083: '[gMASK]',
    126336: '<|mdm_mask|>',
    126346: '<|start_header_id|>',
    126347: '<|end_header_id|>',
    126348: '<|eot_id|>',
  }
  const ids = Array.from({ length: 269 }, (_, i) => 126_080 + i)
  return madeUpTokenizer(
    126_080,
    Object.fromEntries(ids.map((id) => [names[id] ?? `<|reserved_token_${id - 126_084}|>`, id])),
  )
}

export const LLADA_TEMPLATE =
  "{% for message in messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' %}" +
  '{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}' +
  "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}"

export const LLADA_TOKENIZER_CONFIG = {
  bos_token: '<|startoftext|>',
  eos_token: '<|endoftext|>',
  pad_token: '<|endoftext|>',
  clean_up_tokenization_spaces: false,
  model_max_length: 4096,
  tokenizer_class: 'PreTrainedTokenizerFast',
  chat_template: LLADA_TEMPLATE,
}
