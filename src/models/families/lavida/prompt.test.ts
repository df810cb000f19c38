import { describe, expect, test } from 'vitest'
import type { Tokenizer } from '../../../inputs/text/tokenizer.ts'
import { IMAGE_ID, promptIds } from './prompt.ts'

/** Each character is a token; `^` is bos. */
const characters = (bos: number | undefined): Tokenizer => ({
  size: 128,
  maxLength: undefined,
  surelyLonger: () => false,
  addedTokens: () => [],
  special: { bos },
  encode: (text) => Array.from(text, (letter) => letter.charCodeAt(0)),
  decode: (ids) => String.fromCharCode(...ids),
  tokenId: () => undefined,
})
const bos = '^'.charCodeAt(0)
const codes = (text: string) =>
  Array.from(text, (letter) => (letter === '#' ? IMAGE_ID : letter.charCodeAt(0)))

describe('prompt tokens', () => {
  test.each([
    ['kept as in training', bos, false, '^a#.b#.c'],
    ['dropped after each picture as in inference', bos, true, '^a#b#c'],
    ['kept where the prompt does not start with bos', 0, true, '^a#.b#.c'],
    ['kept where there is no bos', undefined, true, '^a#.b#.c'],
  ])('the token after a picture is %s', (_, id, dropTokenAfterImage, expected) => {
    expect(promptIds('^a<image>.b<image>.c', characters(id), { dropTokenAfterImage })).toEqual(
      codes(expected),
    )
  })
})
