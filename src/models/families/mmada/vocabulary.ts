/**
 * @file Where pictures lie in MMaDA's vocabulary: between ids of LLaDA's reserved tokens, as ids
 * behind the tokenizer's last.
 * @see specs/mmada.md §2
 */

import type { Tokenizer } from '../../../inputs/text/tokenizer.ts'
import { FamilyError } from '../errors.ts'
import type { MmadaConfig } from './config.ts'

export interface Vocabulary {
  /** Task token before a picture that is to be understood. */
  readonly mmu: number
  /** Start and end of a picture. */
  readonly soi: number
  readonly eoi: number
  /** Id of image code 0. */
  readonly offset: number
  /** First id that text must not give: those from here on steer the model. */
  readonly reserved: number | undefined
}

/**
 * Published: LLaDA's table, and the length of its tokenizer, at which the codes begin. They differ:
 * the rows in between hold codes.
 */
const LLADA = { rows: 126_464, length: 126_349 }

/**
 * @param where for messages: the folder
 * @throws FamilyError `family/image-offset` when the codes would not begin where the model was
 * trained to have them, or do not fit; `family/special-token`
 */
export function vocabularyOf(
  tokenizer: Tokenizer,
  config: Pick<MmadaConfig, 'imageTokenOffset' | 'textRows' | 'codebook' | 'decoder'>,
  where: string,
): Vocabulary {
  const { imageTokenOffset, textRows, codebook, decoder } = config
  const offset = imageTokenOffset ?? tokenizer.size
  const moved = imageTokenOffset === undefined && textRows === LLADA.rows && offset !== LLADA.length
  if (moved || offset + codebook > decoder.vocabulary) {
    throw new FamilyError('image-offset', {
      message: moved
        ? `${where}: the tokenizer has ${tokenizer.size} tokens, not ${LLADA.length}: every image code would be another id than in training`
        : `${where}: ${codebook} image codes from id ${offset} on do not fit into a table of ${decoder.vocabulary} rows`,
      hint: 'Take the tokenizer from the repository of the weights, or give image_token_offset in config.json.',
    })
  }
  const id = (name: string, slot: number) => {
    const found = tokenizer.tokenId(`<|${name}|>`) ?? tokenizer.tokenId(`<|reserved_token_${slot}|>`)
    if (found !== undefined) return found
    throw new FamilyError('special-token', {
      message: `${where}: the tokenizer has neither <|${name}|> nor <|reserved_token_${slot}|>`,
      hint: 'Take the tokenizer from the repository of the weights.',
    })
  }
  return { soi: id('soi', 0), eoi: id('eoi', 1), mmu: id('mmu', 5), offset, reserved: tokenizer.special.bos }
}
