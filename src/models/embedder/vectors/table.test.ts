import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { VectorTable } from './table.ts'

const vectorOf = (row: number) => Float32Array.of(row, row + 0.25, row + 0.5)

function filled(
  rows: readonly number[],
  options: ConstructorParameters<typeof VectorTable>[0] = {},
): VectorTable {
  const table = new VectorTable(options)
  for (const row of rows) table.set(row, vectorOf(row))
  return table
}

describe('the order of the items', () => {
  /**
   * The items of a run: each is new, or a repeat of an earlier one. Some rows then have no vector.
   */
  const runs = fc.record({
    items: fc.array(fc.oneof(fc.constant('new' as const), fc.nat()), { maxLength: 40 }),
    failed: fc.uniqueArray(fc.nat({ max: 40 }), { maxLength: 5 }),
    expected: fc.option(fc.nat({ max: 60 }), { nil: undefined }),
    backwards: fc.boolean(),
  })

  test.prop([runs])(
    'is kept, whatever was repeated, skipped or expected',
    ({ items, failed, expected, backwards }) => {
      let count = 0
      const rows = items.map((item) => (item === 'new' || count === 0 ? count++ : item % count))
      const order = rows.filter((row) => !failed.includes(row))
      const given = [...new Set(order)]
      const { dims, data } = filled(backwards ? given.reverse() : given, { rows: expected }).take(order)
      expect(dims).toEqual([order.length, order.length === 0 ? 0 : 3])
      expect(Array.from(data)).toEqual(order.flatMap((row) => [...vectorOf(row)]))
    },
  )
})

test('room that was set aside is used: nothing is copied at the end', () => {
  const { data } = filled([0, 1], { rows: 2 }).take([0, 1])
  expect(data.byteLength).toBe(data.buffer.byteLength)
})

test('leading elements are kept at unit length, and too many of them are refused at the first vector', () => {
  const { dims, data } = filled([0, 1], { dims: 2 }).take([1])
  expect(dims).toEqual([1, 2])
  expect(data).toBeAllClose([1 / Math.hypot(1, 1.25), 1.25 / Math.hypot(1, 1.25)], { atol: 1e-7 })
  for (const wrong of [0, 4])
    expect(() => filled([0], { dims: wrong })).toThrow(/dims .: the vectors have 3 elements/)
})

test('more than an array can hold is an error that says so', () => {
  const table = new VectorTable({})
  expect(() => table.set(2 ** 31, vectorOf(0))).toThrow(
    expect.objectContaining({ code: 'embedder/too-many' }),
  )
})
