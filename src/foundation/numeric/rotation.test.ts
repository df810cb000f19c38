import { describe, expect, test } from 'vitest'
import { dot } from './linear.ts'
import { fillNormal, stream } from './random.ts'
import { rotatedWeight, rotationBlock, rotationMatrix } from './rotation.ts'
import { f32 } from './tensor.ts'

test.each([
  [768, 32],
  [576, 32],
  [4304, 16],
  [300, 4],
  [24, 8],
  [7, 1],
])('rows of %i elements are rotated in blocks of %i', (width, block) => {
  expect(rotationBlock(width)).toBe(block)
})

/** A row times the rotation's matrix, block by block. */
function rotated(row: ArrayLike<number>): Float64Array {
  const block = rotationBlock(row.length)
  const { data } = rotationMatrix(block)
  return Float64Array.from(row, (_, at) => {
    const start = at - (at % block)
    let sum = 0
    for (let i = 0; i < block; i++) sum += row[start + i]! * data[i * block + (at % block)]!
    return sum
  })
}

describe('the rotation', () => {
  test.each([96, 48, 20, 9])('keeps products of rows with weights, width %i', (width) => {
    const normal = (key: string) => fillNormal(new Float32Array(width), 1, stream(1, key))
    const [x, w] = [normal('x'), normal('w')]
    const weight = rotatedWeight(f32([1, width], w))
    expect(dot(rotated(x), weight.data)).toBeCloseTo(dot(x, w), 4)
  })

  test('does not change the weight that it is given', () => {
    const weight = f32([1, 4], [1, 2, 3, 4])
    rotatedWeight(weight)
    expect([...weight.data]).toEqual([1, 2, 3, 4])
  })

  test.each<[string, (at: number) => number]>([
    ['one large element', (at) => (at === 11 ? 1 : 0)],
    ['equal elements', () => 1],
    ['elements of alternating sign', (at) => (at % 2 === 0 ? 1 : -1)],
  ])('leaves %s with no element above a third of the whole', (_, element) => {
    const row = rotated(Array.from({ length: 32 }, (_, at) => element(at)))
    const largest = Math.max(...row.map(Math.abs))
    expect(largest / Math.hypot(...row)).toBeLessThan(1 / 3)
  })
})
