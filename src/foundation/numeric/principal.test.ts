import { expect, test } from 'vitest'
import { principalPlane } from './linear.ts'
import { principalComponents } from './principal.ts'
import { fillNormal, stream } from './random.ts'
import { f32 } from './tensor.ts'

/** Rows around a point, with less spread on each next axis. */
function cloud(rows: number, dim: number, fall: number) {
  const values = fillNormal(new Float32Array(rows * dim), 1, stream('cloud', dim))
  return f32(
    [rows, dim],
    values.map((value, i) => 3 + value * fall ** (i % dim)),
  )
}

test.each([
  [300, 40, 0.8],
  [300, 41, 0.99],
  [30, 64, 0.9],
])('%i rows of %i numbers: the plane of the whole decomposition', (rows, dim, fall) => {
  const matrix = cloud(rows, dim, fall)
  const { coordinates } = principalComponents(matrix, 2)
  expect(coordinates.data).toBeAllClose(principalPlane(matrix).data, { atol: 1e-4 })
})

test('shares are of the variance of all axes', () => {
  const { shares } = principalComponents(f32([4, 3], [3, 1, 0, 3, -1, 0, -3, 1, 0, -3, -1, 0]), 2)
  expect(shares).toBeAllClose([0.9, 0.1], { atol: 1e-9 })
})

test('rows that are all equal lie on one point', () => {
  const { coordinates, shares } = principalComponents(f32([3, 2], [1, 2, 1, 2, 1, 2]), 2)
  expect([...coordinates.data]).toEqual([0, 0, 0, 0, 0, 0])
  expect(shares).toEqual([0, 0])
})
