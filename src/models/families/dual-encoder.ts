/** @file The processor of dual encoders: texts of one length, one view a picture. */

import { loadTokenizer } from '../../inputs/text/tokenizer.ts'
import type { DualEncoderProcessor } from './family.ts'
import { loadPictureProcessor } from './picture-files.ts'

interface DualEncoderSizes {
  /** Positions of the text tower. */
  length: number
  /** Side of the image tower's view, in pixels. */
  image: number
}

/**
 * @throws FamilyError `family/no-processor`, `family/processor`, `family/view-size`; TextError and
 *   MediaError for the files
 * @see specs/ar-vlms.md §6.3, §7.3
 */
export async function dualEncoderProcessor(
  dir: string,
  { length, image }: DualEncoderSizes,
  tower: 'clip' | 'siglip',
): Promise<DualEncoderProcessor> {
  const tokenizer = await loadTokenizer(dir)
  const pixels = await loadPictureProcessor(dir, tower, image)
  const pad = tokenizer.special.pad ?? tokenizer.special.eos ?? 1
  return {
    tokenizer,
    pixels,
    ids(text) {
      const ids = tokenizer.encode(text)
      // Too long a text is cut before its end token, where the vector is read.
      if (ids.length > length) ids.splice(length - 1, ids.length - length)
      return [...ids, ...new Array<number>(length - ids.length).fill(pad)]
    },
  }
}
