import { describe, expect, test } from 'vitest'
import { counted, listed, plural, withArticle } from './nouns.ts'

describe('nouns', () => {
  test.each([
    ['dog', 'a dog'],
    ['owl', 'an owl'],
    ['unicorn', 'a unicorn'],
    ['umbrella', 'an umbrella'],
    ['hourglass', 'an hourglass'],
    ['ukulele', 'a ukulele'],
    ['yo-yo', 'a yo-yo'],
    ['orange dog shape', 'an orange dog shape'],
  ])('article of %s', (word, phrase) => expect(withArticle(word)).toBe(phrase))

  test.each([
    ['key', 'keys'],
    ['bus', 'buses'],
    ['torch', 'torches'],
    ['cherry', 'cherries'],
    ['fallen leaf', 'fallen leaves'],
    ['game die', 'game dice'],
    ['computer mouse', 'computer mice'],
    ['potato', 'potatoes'],
    ['compass', 'compasses'],
    ['fox', 'foxes'],
  ])('plural of %s', (one, many) => expect(plural(one)).toBe(many))

  test('one stays singular', () =>
    expect([counted(1, 'wolf'), counted(3, 'wolf')]).toEqual(['one wolf', 'three wolves']))

  test.each([
    [[], ''],
    [['a'], 'a'],
    [['a', 'b'], 'a and b'],
    [['a', 'b', 'c'], 'a, b and c'],
  ])('list of %j', (items, text) => expect(listed(items)).toBe(text))
})
