/**
 * @file Whether a tokenizer's stored code book has the order of bits that codes are computed in.
 * @see specs/mmada.md §1.5, §3.3
 */

import { toF32 } from '../../../foundation/numeric/float.ts'
import type { Checkpoint } from '../../checkpoint/folder.ts'
import { FamilyError } from '../errors.ts'

const BOOK = 'quantize.embedding'

/**
 * The code book `[codes, bits]` is a buffer that the graph does not read: row `i` must hold the
 * bits of `i` as ±1, the most significant first. Files without it pass.
 * @throws FamilyError `family/codebook`
 */
export async function checkCodebook(tokenizer: Checkpoint): Promise<void> {
  if (!tokenizer.tensors.has(BOOK)) return
  const { dims, data } = toF32(await tokenizer.read(BOOK))
  const [rows = 0, bits = 0] = dims
  const wrong = data.findIndex(
    (value, at) => value !== ((Math.floor(at / bits) >> (bits - 1 - (at % bits))) & 1 ? 1 : -1),
  )
  if (wrong < 0 && dims.length === 2 && rows === 2 ** bits) return
  throw new FamilyError('codebook', {
    message:
      wrong < 0
        ? `${tokenizer.dir}: ${BOOK} has shape [${dims.join(', ')}], not [2^bits, bits]`
        : `${tokenizer.dir}: ${BOOK} has ${data[wrong]} in row ${Math.floor(wrong / bits)}, column ${wrong % bits}: codes would mean other pictures`,
    hint: 'Take the image tokenizer that the model was trained with.',
  })
}
