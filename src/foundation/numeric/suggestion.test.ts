import { expect, test } from 'vitest'
import { suggestion } from './suggestion.ts'

test.each([
  ['txt', 'text'],
  ['Image', 'image'],
  ['imgae', 'image'],
  ['price', undefined],
])('%s → %s', (word, expected) => {
  expect(suggestion(word, ['instruction', 'text', 'image'])).toBe(expected)
})

test('nothing is near where nothing is known', () => {
  expect(suggestion('text', [])).toBeUndefined()
})
