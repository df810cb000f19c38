import { expect, test } from 'vitest'
import { checkPlaceholders, expandPrompt, viewWords } from './prompt.ts'

const F = '<fake_token_around_image>'

test('one view: the whole picture between its marks', () => {
  expect(viewWords({ rows: 0, columns: 0 })).toBe(`${F}<global-img><image>${F}`)
})

test('tiles are called by row and column; an empty line comes before the whole', () => {
  expect(viewWords({ rows: 2, columns: 2 })).toBe(
    `${F}<row_1_col_1><image>${F}<row_1_col_2><image>\n${F}<row_2_col_1><image>${F}<row_2_col_2><image>\n\n${F}<global-img><image>${F}`,
  )
})

test('each placeholder becomes its own picture; what has no picture stays', () => {
  const pictures = [
    { rows: 0, columns: 0 },
    { rows: 1, columns: 1 },
  ]
  const expanded = expandPrompt('a<image>b<image>c', pictures)
  expect(expanded).toBe(`a${viewWords(pictures[0]!)}b${viewWords(pictures[1]!)}c`)
  expect(expandPrompt('a<image>', [])).toBe('a<image>')
  expect(expandPrompt('a<image>b', pictures)).toBe(`a${viewWords(pictures[0]!)}b`)
})

test.each([
  ['<image><image>', 1],
  ['none', 1],
  ['<image>', 0],
])('%s does not fit %i pictures', (prompt, pictures) => {
  expect(() => checkPlaceholders(prompt, pictures)).toThrow(
    expect.objectContaining({ code: 'family/image-count' }),
  )
})
