import { describe, expect, test } from 'vitest'
import { dot, gram, l2NormaliseRows, meanRow, principalPlane, transpose } from './linear.ts'
import { fillNormal, stream } from './random.ts'
import { f32, zeros } from './tensor.ts'

const random = (rows: number, dim: number, seed: number) =>
  f32([rows, dim], fillNormal(new Float32Array(rows * dim), 1, stream(seed)))

test('rows of length 1; zeros stay zero', () => {
  expect(l2NormaliseRows(f32([3, 2], [3, 4, 0, 0, -2, 0])).data).toBeAllClose([0.6, 0.8, 0, 0, -1, 0])
})
test('mean of rows', () => expect(meanRow(f32([2, 3], [1, 2, 3, 3, 6, 9]))).toBeAllClose([2, 4, 6]))
test('transpose', () =>
  expect(transpose(f32([2, 3], [1, 2, 3, 4, 5, 6])).data).toBeAllClose([1, 4, 2, 5, 3, 6]))

test('Gram matrix equals the plain inner products across block borders and odd widths', () => {
  const [a, b] = [random(5, 7, 1), random(130, 7, 2)]
  const expected = Array.from({ length: 5 * 130 }, (_, at) => {
    const [i, j] = [Math.floor(at / 130), at % 130]
    return dot(a.data.subarray(i * 7, i * 7 + 7), b.data.subarray(j * 7, j * 7 + 7))
  })
  expect(gram(a, b).data).toBeAllClose(expected, { atol: 1e-6 })
})

describe('principal plane', () => {
  test('recovers points on a rectangle that was turned and shifted', () => {
    const plane = principalPlane(
      f32([4, 2], [5, 6, 5 + 0.8 * 4, 6 + 0.6 * 4, 5 - 0.6, 6 + 0.8, 5 + 3.2 - 0.6, 6 + 2.4 + 0.8]),
    )
    expect(plane.data.map(Math.abs)).toBeAllClose([2, 0.5, 2, 0.5, 2, 0.5, 2, 0.5], { atol: 1e-5 })
  })

  test('is the same from the covariance and from the Gram matrix', () => {
    const narrow = random(12, 5, 3)
    const padded = zeros([12, 40])
    for (let row = 0; row < 12; row++) padded.data.set(narrow.data.subarray(row * 5, row * 5 + 5), row * 40)
    expect(principalPlane(padded).data).toBeAllClose(principalPlane(narrow).data, { atol: 1e-4 })
  })

  test('has zeros where nothing varies', () =>
    expect(principalPlane(f32([3, 1], [1, 2, 3])).data).toBeAllClose([1, 0, 0, 0, -1, 0]))
})

test.each([
  ['tensor/size', () => gram(zeros([2, 3]), zeros([2, 4]))],
  ['tensor/rank', () => meanRow(zeros([4]))],
])('%s', (code, run) => expect(run).toThrow(expect.objectContaining({ code })))
