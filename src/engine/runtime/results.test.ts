import { describe, expect, test } from 'vitest'
import { f32, i64 } from '../../foundation/numeric/tensor.ts'
import { f32Of } from './results.ts'

describe('f32Of', () => {
  test('gives the result as it is', () => {
    const vectors = f32([1, 2], [1, 2])
    expect(f32Of({ vectors }, 'vectors')).toBe(vectors)
  })

  test.each([
    ['an absent result', {}, 'it gave nothing'],
    ['a result of another dtype', { vectors: i64([2], [1, 2]) }, 'it gave vectors i64 [2]'],
    ['a result of another name', { rows: f32([1], [1]) }, 'it gave rows f32 [1]'],
  ])('refuses %s', (_, results, told) => {
    expect(() => f32Of(results, 'vectors')).toThrow(
      expect.objectContaining({ code: 'runtime/result', message: expect.stringContaining(told) }),
    )
  })

  test('a name that every object has is not a result', () => {
    expect(() => f32Of({}, 'toString')).toThrow(expect.objectContaining({ code: 'runtime/result' }))
  })
})
