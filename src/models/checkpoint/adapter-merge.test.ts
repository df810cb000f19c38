/** @file Updates joined with weights of every layout, by hand-computed numbers. */

import { describe, expect, test } from 'vitest'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { mergedBias, mergedWeight, withRows } from './adapter-merge.ts'

describe('merging', () => {
  const down = f32([1, 2], [1, 2])
  const up = f32([2, 1], [3, 0])
  const weight = f32([2, 2], [0, -2, 0, 5])

  test('adds scale · B · A', () => {
    expect(mergedWeight(weight, { down, up, scale: 1 }).data).toEqual(Float32Array.of(3, 4, 0, 5))
    expect(mergedWeight(weight, { down, up, scale: 2 }).data).toEqual(Float32Array.of(6, 10, 0, 5))
  })

  test('DoRA gives each row the length of its magnitude', () => {
    expect(mergedWeight(weight, { down, up, scale: 1, magnitude: f32([2], [10, 1]) }).data).toBeAllClose([
      6, 8, 0, 1,
    ])
  })

  test('a convolution is a matrix of its kernels', () => {
    const kernel = {
      down: f32([1, 1, 1, 2], [1, 2]),
      up: f32([2, 1, 1, 1], [3, 0]),
      scale: 1,
      layout: 'convolution' as const,
    }
    const merged = mergedWeight(f32([2, 1, 1, 2], weight.data), { ...kernel, magnitude: f32([2], [10, 1]) })
    expect(merged.dims).toEqual([2, 1, 1, 2])
    expect(merged.data).toBeAllClose([6, 8, 0, 1])
  })

  test('an embedding table lies the other way round, columns have the magnitudes', () => {
    // Table [rows 3, dim 2]: A [1, rows], B [dim, 1].
    const update = {
      down: f32([1, 3], [3, 4, 0]),
      up: f32([2, 1], [1, 0]),
      scale: 1,
      layout: 'embedding' as const,
    }
    const table = f32([3, 2], [0, 0, 0, 2, 0, 0])
    expect(mergedWeight(table, update).data).toEqual(Float32Array.of(3, 0, 4, 2, 0, 0))
    expect(mergedWeight(table, { ...update, magnitude: f32([2], [10, 1]) }).data).toBeAllClose([
      6, 0, 8, 1, 0, 0,
    ])
  })

  test('biases and rows of tables', () => {
    expect(mergedBias(f32([2], [1, 2]), f32([2], [10, 20]), 0.5).data).toEqual(Float32Array.of(6, 12))
    const table = f32([3, 2], [1, 2, 3, 4, 5, 6])
    expect(withRows(table, { ids: [2, 0], values: f32([2, 2], [7, 8, 9, 10]) }).data).toEqual(
      Float32Array.of(9, 10, 3, 4, 7, 8),
    )
  })
})
