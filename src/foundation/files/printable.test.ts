import { expect, test } from 'vitest'
import { printable } from './printable.ts'

test.each([
  ['a colour', 'a\u001b[31mb', 'a\\u001b[31mb'],
  ['a line break', 'a\nb', 'a\\u000ab'],
  ['a C1 control', 'a\u009b2Jb', 'a\\u009b2Jb'],
  ['another direction', 'a\u202etxt.exe', 'a\\u202etxt.exe'],
  ['words and signs of any language', 'Straße 猫 🐈 é – ½', 'Straße 猫 🐈 é – ½'],
])('%s', (_, text, shown) => expect(printable(text)).toBe(shown))

test('line breaks and tabs of a text of several lines stay', () =>
  expect(printable('a\n\tb\u001b', { lines: true })).toBe('a\n\tb\\u001b'))
