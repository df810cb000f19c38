/** @file Expressions of tokenizer files: Oniguruma's meaning, and a limit of time. */

import { describe, expect, test } from 'vitest'
import { filePattern } from './patterns.ts'

function found(Regex: string, text: string): string[] {
  return [...filePattern({ Regex }, 'tokenizer.json').matches(text)].map(([from, to]) => text.slice(from, to))
}

describe('matches are those of Oniguruma', () => {
  // Python's tokenizers 0.22: pre_tokenizers.Split(Regex(…), "isolated").
  test.each([
    ["(?i:'s|'t)", "a'ſ b'S", ["'ſ", "'S"]],
    ['(?i:k)', 'aKb', ['K']],
    ['\\w+', '½² ①Ⓐ a', ['½²', 'Ⓐ', 'a']],
    ['[\\w]+', '½² ①Ⓐ a', ['Ⓐ', 'a']],
    ['[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+', ' ab\nab', [' ab', 'ab']],
    ['(?>a+)ab', 'aaab', []],
    ['\\h', 'ag9', ['a', '9']],
    ['[[:alpha:]]+', 'aé①1', ['aé']],
    ['\\s+', 'a\ufeff\u0085b', ['\u0085']],
    ['\\bfoo\\b', 'a²foo foo', ['foo']],
  ])('%s in %j', (expression, text, expected) => {
    expect(found(expression, text)).toEqual(expected)
  })
})

test('more matches than are found at one go', () => {
  expect(found('a', 'ab'.repeat(5000))).toHaveLength(5000)
  expect(found('(?=b)', 'ab'.repeat(5000))).toHaveLength(5000)
})

test.each(['(a+)+$', '(a|a)*b', '(.*)*x'])('%s is stopped, and the next search is not', (Regex) => {
  const pattern = filePattern({ Regex }, 'tokenizer.json')
  const refused = expect.objectContaining({ code: 'text/pattern', exitCode: 3 })
  const start = performance.now()
  expect(() => [...pattern.matches(`${'a'.repeat(60)}!`)]).toThrow(refused)
  if (Regex === '(a+)+$') expect(() => pattern.replaced(`${'a'.repeat(60)}!`, '')).toThrow(refused)
  expect(performance.now() - start).toBeLessThan(10_000)
  expect([...pattern.matches('xyz')].length).toBeLessThan(9)
})

test('content stands as it is written', () => {
  expect(filePattern({ Regex: 'a' }, '').replaced('cat', '$&')).toBe('c$&t')
  expect(filePattern({ String: '.' }, '').replaced('c.t', '$&')).toBe('c$&t')
})
