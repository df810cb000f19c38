/**
 * @file Texts that are too long are known as such without being tokenized; texts that fit never
 * are.
 */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { createTokenizer, loadTokenizer } from './tokenizer.ts'

const path = (name: string) => fileURLToPath(new URL(`../../../test/fixtures/text/${name}`, import.meta.url))
const oracle = z
  .object({ tokenizers: z.record(z.string(), z.object({ tokenizer: z.looseObject({}) })) })
  .parse(JSON.parse(readFileSync(path('tokenizers.json'), 'utf8')))
const every = Object.entries(oracle.tokenizers).map(([name, { tokenizer }]) => ({
  name,
  tokenizer: createTokenizer(tokenizer),
}))

/**
 * Runs of the kinds that normalizers and added tokens swallow, and others that become many tokens.
 */
const run = fc
  .tuple(
    fc.constantFrom(
      ' ',
      '\n',
      '!',
      'a',
      'cat',
      'é',
      '漢',
      '☃',
      '[X]',
      '[W]',
      'the cat',
      '\ufeff',
      ' a',
      'x1',
    ),
    fc.nat({ max: 400 }),
  )
  .map(([part, count]) => part.repeat(count))
const longText = fc.array(run, { maxLength: 5 }).map((runs) => runs.join(''))

describe('no text that fits is called too long, and a text of twice the tokens is', () => {
  for (const { name, tokenizer } of every) {
    test.prop([longText, fc.integer({ min: -40, max: 2 })], { numRuns: 20, seed: 7 })(name, (text, less) => {
      const length = tokenizer.encode(text).length
      expect(tokenizer.surelyLonger(text, length)).toBe(false)
      // A text within the limit is never refused.
      const limit = Math.max(0, length + less)
      if (tokenizer.surelyLonger(text, limit)) expect(length).toBeGreaterThan(limit)
    })
  }
})

test.each(['llava', 'lavida-dream'])('16 MB for 256 positions take no second: %s', async (name) => {
  const tokenizer = await loadTokenizer(path(`${name}/checkpoint`), { classes: ['DreamTokenizer'] })
  for (const words of ['the cat sat on a mat; ', 'a', '漢字。']) {
    const text = words.repeat(16e6 / words.length)
    const start = performance.now()
    expect(tokenizer.surelyLonger(text, 256)).toBe(true)
    // It takes 10 to 60 ms; to tokenize such a text takes 30 seconds and gigabytes.
    expect(performance.now() - start).toBeLessThan(5000)
  }
})

test('white space that an added token swallows is no reason to refuse a text', () => {
  const { tokenizer } = every.find(({ name }) => name === 'added-left')!
  const text = `${' '.repeat(200_000)}[X]`
  expect(tokenizer.encode(text)).toHaveLength(1)
  expect(tokenizer.surelyLonger(text, 1)).toBe(false)
})

test('a text that its normalizer empties fits', () => {
  const { tokenizer } = every.find(({ name }) => name === 'normalizer-strip')!
  expect(tokenizer.surelyLonger(' '.repeat(1e6), 1)).toBe(false)
})
