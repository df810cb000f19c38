/** @file Symbolic sizes: one spelling for one size. */

import { describe, expect, test } from 'vitest'
import { addDims, divideDim, evaluateDim, multiplyDims } from './dims.ts'

describe('sizes', () => {
  test.each([
    ['numbers add up', addDims(2, 3), 5],
    ['terms are sorted', addDims('seq', 'image', 'batch'), 'batch+image+seq'],
    ['equal terms join', addDims('seq', 'seq'), '2*seq'],
    ['what cancels is gone', addDims('image+seq', multiplyDims(-1, 'image')), 'seq'],
    ['a difference can be 0', addDims('seq', '-seq'), 0],
    ['constants come last', addDims(3, 'seq', -1), 'seq+2'],
    ['products distribute', multiplyDims('batch', 'image+seq'), 'batch*image+batch*seq'],
    ['factors are sorted', multiplyDims('seq', 4, 'batch'), '4*batch*seq'],
    ['no factor is 1', multiplyDims(), 1],
    ['zero stays', multiplyDims('seq', 0), 0],
  ])('%s', (_name, got, expected) => {
    expect(got).toBe(expected)
  })

  test.each([
    ['4*batch*seq', 'batch', '4*seq'],
    ['4*batch*seq', '2*seq', '2*batch'],
    ['batch*image+batch*seq', 'batch', 'image+seq'],
    [12, 4, 3],
    ['seq', 'seq', 1],
    ['3*seq', 2, undefined],
    ['seq', 'batch', undefined],
    ['batch*seq', 'batch+seq', undefined],
  ])('%s divided by %s is %s', (dim, divisor, expected) => {
    expect(divideDim(dim, divisor)).toBe(expected)
  })

  test('a size is computed once its symbols are known', () => {
    const sizes = new Map([
      ['batch', 2],
      ['seq', 5],
    ])
    expect(evaluateDim('2*batch*seq-3', sizes)).toBe(17)
    expect(evaluateDim('batch*image', sizes)).toBeUndefined()
  })
})
