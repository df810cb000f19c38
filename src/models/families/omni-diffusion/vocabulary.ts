/** @file Marks and codes of pictures in Omni-Diffusion's vocabulary, found by their names. */

import type { Tokenizer } from '../../../inputs/text/tokenizer.ts'
import { FamilyError } from '../errors.ts'
import type { OmniDiffusionConfig } from './config.ts'

export interface Vocabulary {
  /** Stands for a picture in a prompt. */
  readonly placeholder: number
  /** Start and end of a picture. */
  readonly begin: number
  readonly end: number
  /** Id of image code 0. */
  readonly offset: number
}

/**
 * @param where for messages: the folder
 * @throws FamilyError `family/special-token` for a tokenizer without pictures, as plain Dream has;
 *   `family/image-offset` where the codes do not fit
 */
export function vocabularyOf(
  tokenizer: Tokenizer,
  { codebook, text }: Pick<OmniDiffusionConfig, 'codebook' | 'text'>,
  where: string,
): Vocabulary {
  const id = (name: string) => {
    const found = tokenizer.tokenId(name)
    if (found !== undefined) return found
    throw new FamilyError('special-token', {
      message: `${where}: the tokenizer has no ${name}`,
      hint: 'Plain Dream reads text alone. Else take the tokenizer from the repository of the weights.',
    })
  }
  const offset = id('<|image_0|>')
  const last = `<|image_${codebook - 1}|>`
  if (id(last) !== offset + codebook - 1 || offset + codebook > text.vocabulary) {
    throw new FamilyError('image-offset', {
      message: `${where}: ${codebook} image codes from id ${offset} on do not end at ${last}, or not within a table of ${text.vocabulary} rows`,
      hint: 'Take tokenizer, weights and image tokenizer that belong together.',
    })
  }
  return {
    placeholder: id('<|image|>'),
    begin: id('<|begin_of_image|>'),
    end: id('<|end_of_image|>'),
    offset,
  }
}
