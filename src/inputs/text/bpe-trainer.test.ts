/**
 * @file BPE training: merges known by hand, round trips, ids of special tokens, and the reference's
 * merges on a small text.
 */

import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { trainBpe } from './bpe-trainer.ts'
import type { PatternName } from './byte-level.ts'
import { TextError } from './errors.ts'
import { createTokenizer } from './tokenizer.ts'

const corpus: [string, number][] = [
  ['the red cat sat on the mat', 5],
  ['a red square above a blue circle; where is the circle?', 9],
  ["It's 42 °C — das große Haus, 漢字 🙂", 2],
]

describe('merges', () => {
  test('the most frequent pair first, then ties by the lower ids', () => {
    // "ab" 3 times; then "cd" and "xy" twice each: c before x.
    const { model } = trainBpe(
      [
        ['ab', 3],
        ['xy', 2],
        ['cd', 2],
      ],
      { vocabularySize: 259 },
    )
    expect(model.merges).toEqual([
      ['a', 'b'],
      ['c', 'd'],
      ['x', 'y'],
    ])
  })

  test('counts weigh, and repeated letters are merged from the left', () => {
    const { model } = trainBpe(
      [
        ['aaaaa', 10],
        ['bc', 39],
      ],
      { vocabularySize: 258 },
    )
    expect(model.merges).toEqual([
      ['a', 'a'],
      ['b', 'c'],
    ])
    expect(createTokenizer(trainBpe([['aaaaa', 10]], { vocabularySize: 257 })).encode('aaaaa')).toEqual([
      256, 256, 64,
    ])
  })

  test('pairs rarer than minFrequency stay apart', () => {
    expect(trainBpe([['ab', 1]], { vocabularySize: 300 }).model.merges).toEqual([])
    expect(trainBpe([['ab', 1]], { vocabularySize: 300, minFrequency: 1 }).model.merges).toHaveLength(1)
  })

  // Python's tokenizers 0.22: BpeTrainer(vocab_size=276, min_frequency=2,
  // initial_alphabet=ByteLevel.alphabet()) on the corpus above.
  test('equal to the reference on a small text', () => {
    expect(
      trainBpe(corpus, { vocabularySize: 276 })
        .model.merges.map((pair) => pair.join('_'))
        .join(' '),
    ).toBe('r_e h_e Ġ_c t_he c_l i_r Ġ_a Ġc_ir cl_e Ġcir_cle a_t Ġ_s Ġ_re Ġ_the Ġre_d a_re b_l b_o i_s q_u')
  })

  test('the order of the texts does not matter', () => {
    expect(JSON.stringify(trainBpe([...corpus].reverse(), { vocabularySize: 300 }).model.merges)).toBe(
      JSON.stringify(trainBpe(corpus, { vocabularySize: 300 }).model.merges),
    )
  })
})

describe('cutting', () => {
  test.each<[PatternName, string[]]>([
    ['qwen2', ['a b', 'Ġ ab', '( ab', '! Ċ']],
    ['gpt2', ['1 2', 'a b', 'Ġ ab']],
  ])('%s: digits, line breaks and brackets', (pattern, expected) => {
    const { model } = trainBpe([['12 ab(ab!\n', 5]], { vocabularySize: 256 + expected.length, pattern })
    expect(model.merges.map((pair) => pair.join(' ')).sort()).toEqual([...expected].sort())
    expect(trainBpe([['12 ab(ab!\n', 5]], { vocabularySize: 300, pattern }).model.merges).toHaveLength(
      expected.length,
    )
  })
})

describe('vocabulary', () => {
  const json = trainBpe(corpus, { vocabularySize: 300, specialTokens: ['<pad>', '<image>'], reserved: 3 })
  const tokenizer = createTokenizer(json, {}, { pad_token: '<pad>' })

  test('special tokens take the last ids, reserved ones the ids before', () => {
    expect(tokenizer.size).toBe(300)
    expect(['<pad>', '<image>', '<|reserved_token_0|>', '\u010a'].map(tokenizer.tokenId)).toEqual([
      298, 299, 295, 198,
    ])
    expect(tokenizer.special).toEqual({ pad: 298 })
    expect(tokenizer.encode('<image>\n')).toEqual([299, 198])
    expect(tokenizer.decode([299, 198], { skipSpecialTokens: true })).toBe('\n')
  })

  test('no room for the bytes is an error', () => {
    expect(() => trainBpe([], { vocabularySize: 256, specialTokens: ['<pad>'] })).toThrow(TextError)
  })

  test.prop([fc.string({ unit: 'grapheme', maxLength: 60 })], { numRuns: 500 })(
    'any text comes back, in NFC',
    (text) => {
      const ids = tokenizer.encode(text)
      expect(tokenizer.decode(ids)).toBe(text.normalize('NFC'))
      expect(ids.every((id) => id >= 0 && id < 300)).toBe(true)
    },
  )

  test('empty text', () => {
    expect(tokenizer.encode('')).toEqual([])
    expect(tokenizer.decode([])).toBe('')
  })
})
