import { describe, expect, test } from 'vitest'
import { differences } from './identity.ts'

describe('differences of two runs', () => {
  test.each([
    ['none, whatever the order of the keys', { a: 1, b: [1, { c: 2 }] }, { b: [1, { c: 2 }], a: 1 }, []],
    ['a value in a group', { loss: { t: 0.02, s: 1 } }, { loss: { t: 0.05, s: 1 } }, ['loss.t: 0.02 → 0.05']],
    [
      'an item of a list',
      { data: [{ limit: 5 }, {}] },
      { data: [{ limit: 6 }, {}] },
      ['data.0.limit: 5 → 6'],
    ],
    ['a longer list', { data: ['a'] }, { data: ['a', 'b'] }, ['data.1: not set → "b"']],
    ['keys that come and go', { old: null }, { new: true }, ['old: null → not set', 'new: not set → true']],
    ['a group for a value', { clip: 1 }, { clip: { norm: 1 } }, ['clip: 1 → {"norm":1}']],
    ['undefined is absent', { a: 1, b: undefined }, { a: 1 }, []],
    ['another kind of identity', 'name', { a: 1 }, ['all: "name" → {"a":1}']],
  ])('%s', (_, before, now, expected) => {
    expect(differences(before, now)).toEqual(expected)
  })

  test('long values are cut', () => {
    const [line] = differences({ hash: 'a'.repeat(100) }, { hash: 'b' })
    expect(line).toMatch(/^hash: "a{59} … → "b"$/)
  })
})
