/**
 * @file The twins' tokenizer: byte-level BPE learnt on training text, special tokens where LLaDA
 * and MMaDA have theirs.
 */

import { captionPair } from '../../inputs/scenes/caption-pairs.ts'
import { INSTRUCTIONS } from '../../inputs/scenes/instructions.ts'
import { pretrainingSample } from '../../inputs/scenes/samples.ts'
import type { World } from '../../inputs/scenes/world.ts'
import { trainBpe } from '../../inputs/text/bpe-trainer.ts'
import type { TokenizerJson } from '../../inputs/text/byte-level.ts'
import { VOCABULARY } from './recipe.ts'

/** Those that model folders name. */
export const SPECIAL_TOKENS = {
  bos: '<|startoftext|>',
  eos: '<|endoftext|>',
  image: '<image>',
  mask: '<|mdm_mask|>',
} as const

/**
 * Names at their distance from the first special id, as in LLaDA's tokenizer and MMaDA's use of it;
 * all other slots are reserved. The image codes of discrete twins follow the last one.
 * @see specs/mmada.md §2.1 ("layout relation")
 */
const NAMED_SLOTS: Readonly<Record<number, string>> = {
  0: SPECIAL_TOKENS.bos,
  1: SPECIAL_TOKENS.eos,
  2: '[CLS]',
  3: '[gMASK]',
  255: SPECIAL_TOKENS.image,
  256: SPECIAL_TOKENS.mask,
  266: '<|start_header_id|>',
  267: '<|end_header_id|>',
  268: '<|eot_id|>',
}
const SLOTS = 269

/** First special id; ids below are text. */
export const FIRST_SPECIAL = VOCABULARY - SLOTS

export const SPECIAL_IDS = {
  bos: FIRST_SPECIAL,
  eos: FIRST_SPECIAL + 1,
  image: FIRST_SPECIAL + 255,
  mask: FIRST_SPECIAL + 256,
  endOfTurn: FIRST_SPECIAL + 268,
  /**
   * Around the codes of a picture: its start, its end, before one to be made, before one to be
   * read.
   */
  startOfImage: FIRST_SPECIAL + 4,
  endOfImage: FIRST_SPECIAL + 5,
  textToImage: FIRST_SPECIAL + 8,
  understand: FIRST_SPECIAL + 9,
} as const

/**
 * `<|startoftext|>`, the user's turn, `<|eot_id|>`; the answer follows and ends with
 * `<|endoftext|>`. Content is text (LaViDa) or parts (LLaVA). System messages are left out:
 * LaViDa's processor says one before every prompt, and the twins saw none.
 */
export const CHAT_TEMPLATE =
  "{{ '<|startoftext|>' }}{% for message in messages %}{% if message['role'] != 'system' %}" +
  "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}" +
  "{% if part['type'] == 'image' %}{{ '<image>\\n' }}{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}" +
  "{% if message['role'] == 'user' %}{{ '<|eot_id|>' }}{% else %}{{ '<|endoftext|>' }}{% endif %}{% " +
  'endif %}{% endfor %}'

const SAMPLES = 30_000

/** Training text with its number of occurrences. */
function* corpus(world: World, seed: number, samples: number): Generator<readonly [string, number]> {
  const counts = new Map<string, number>()
  const count = (text: string) => counts.set(text, (counts.get(text) ?? 0) + 1)
  for (let index = 0; index < samples; index++) {
    const { prompt, answer } = pretrainingSample(world, seed, index, index % 12 === 0 ? { kind: 'text' } : {})
    count(prompt)
    count(answer)
    count(captionPair(world, seed, index).caption)
  }
  yield* counts
  // Instructions are text without pictures’ content: they should cost few tokens.
  for (const instruction of Object.values(INSTRUCTIONS)) yield [instruction, samples]
}

/**
 * Learns the tokenizer of a world. Deterministic.
 * @param samples how many of each kind of training text are read
 */
export function trainVocabulary(world: World, seed: number, samples = SAMPLES): TokenizerJson {
  const specialTokens = Array.from(
    { length: SLOTS },
    (_, slot) => NAMED_SLOTS[slot] ?? `<|reserved_token_${slot - 4}|>`,
  )
  return trainBpe(corpus(world, seed, samples), { vocabularySize: VOCABULARY, specialTokens })
}
