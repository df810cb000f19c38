import { expect, test } from 'vitest'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { mapOf } from './map.ts'

/** Two balls of 30 around opposite points of the first axis. */
const balls = f32(
  [60, 8],
  fillNormal(new Float32Array(480), 0.1, stream('balls')).map(
    (value, at) => value + (at % 8 === 0 ? (at < 240 ? 1 : -1) : 0),
  ),
)

test.each(['umap', 'pca'] as const)('%s keeps two far groups apart', (method) => {
  const { dims, data } = mapOf(balls, { seed: 1, method })
  expect(dims).toEqual([60, 2])
  const centre = (from: number, axis: number) =>
    Array.from({ length: 30 }, (_, i) => data[(from + i) * 2 + axis]!).reduce((a, b) => a + b) / 30
  const [x, y] = [(centre(0, 0) + centre(30, 0)) / 2, (centre(0, 1) + centre(30, 1)) / 2]
  const [towardsX, towardsY] = [centre(0, 0) - x, centre(0, 1) - y]
  const side = (i: number) => Math.sign((data[i * 2]! - x) * towardsX + (data[i * 2 + 1]! - y) * towardsY)
  expect(Array.from({ length: 60 }, (_, i) => side(i))).toEqual(
    Array.from({ length: 60 }, (_, i) => (i < 30 ? 1 : -1)),
  )
})

test('the map depends on the seed only', () => {
  const map = mapOf(balls, { seed: 1 })
  expect(mapOf(balls, { seed: 1 })).toEqual(map)
  expect(mapOf(balls, { seed: 2 })).not.toEqual(map)
})

test('too few items for UMAP are drawn by their principal axes', () => {
  const few = f32([3, 2], [0, 0, 2, 0, 4, 0])
  expect(mapOf(few, { seed: 1 })).toEqual(mapOf(few, { seed: 1, method: 'pca' }))
})
